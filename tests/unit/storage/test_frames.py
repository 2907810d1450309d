"""Rows as typed frames."""

import math
from dataclasses import dataclass

import pytest

from darkroom.storage.frames import frame_of


@dataclass(frozen=True)
class Row:
    """A row of every type."""

    step: int
    score: float | None
    control: bool
    split: str


def test_columns_have_the_types_of_their_fields() -> None:
    """Also where a number is nowhere, and where there is no row."""
    frame = frame_of([Row(100, 0.25, True, "train"), Row(2, None, False, "")], Row)
    first, second = frame.to_dict("records")
    assert first == {"step": 100, "score": 0.25, "control": True, "split": "train"}
    assert (second["step"], second["control"], second["split"]) == (2, False, "") and math.isnan(second["score"])
    for rows in ([Row(1, None, True, "")], []):
        types = frame_of(rows, Row).dtypes
        assert [str(types[name]) for name in ("step", "score", "control")] == ["int64", "float64", "bool"]


@pytest.mark.parametrize("changes", [{"control": "false"}, {"step": "1"}, {"score": "0.5"}])
def test_a_text_is_taken_for_no_value(changes: dict[str, str]) -> None:
    """`false` as a text would be true."""
    values = {"step": 1, "score": 0.5, "control": True, "split": ""} | changes
    with pytest.raises(TypeError, match=next(iter(changes))):
        frame_of([Row(**values)], Row)  # type: ignore[arg-type]
