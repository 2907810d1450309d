"""Command lines made of typed classes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError
from darkroom.jobs.arguments import read_arguments

DOC = "Do something.\n\nMore of it."


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "photos.csv"]
    tables: list[Path]
    compute: ComputeSettings
    device: Annotated[str, "cpu or gpu, 100 % of it"]
    seed: int = 3
    word: str = ""
    folders: list[Path] = field(default_factory=list)
    overrides: Annotated[Path | None, "none where empty"] = None
    step: int | None = None
    keep_order: Annotated[bool, "as they come"] = False


NEEDED = ["--photos", "a b.csv", "--tables", "1.csv", "2.csv"]
NEEDED += ["--compute", '{"inference_threads": 2}', "--device", "gpu"]


def test_every_field_is_read_as_its_type() -> None:
    found = read_arguments(Arguments, DOC, [*NEEDED, "--keep-order", "--step", "7", "--folders", "x", "y"])
    assert found.photos == Path("a b.csv") and found.tables == [Path("1.csv"), Path("2.csv")]
    assert found.compute == ComputeSettings(inference_threads=2) and (found.device, found.seed) == ("gpu", 3)
    assert found.folders == [Path("x"), Path("y")] and found.step == 7 and found.keep_order


@pytest.mark.parametrize(
    "words", [[], ["--overrides", "--step", "--word", "--seed", "--folders"], ["--overrides", "", "--step", ""]]
)
def test_what_is_not_there_is_left_out_or_empty(words: list[str]) -> None:
    found = read_arguments(Arguments, DOC, [*NEEDED, *words])
    assert found.overrides is None and found.step is None and found.folders == [] and not found.keep_order
    assert (found.word, found.seed) == ("", 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (NEEDED[2:], "required: --photos"),
        ([*NEEDED, "--seed", "x"], "argument --seed: invalid int value"),
        ([*NEEDED[:2], "--tables", *NEEDED[5:]], "argument --tables: expected at least one argument"),
    ],
)
def test_wrong_words_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments(Arguments, DOC, words)
    assert said in capsys.readouterr().err


def test_wrong_settings_name_the_key() -> None:
    words = [word if not word.startswith("{") else '{"inference_treads": 2}' for word in NEEDED]
    with pytest.raises(UserError, match="did you mean 'inference_threads'"):
        read_arguments(Arguments, DOC, words)


def test_the_help_is_the_first_line_and_that_of_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments(Arguments, DOC, ["--help"])
    said = capsys.readouterr().out
    assert (
        "Do something." in said
        and "More of it" not in said
        and "photos.csv" in said
        and "as they come" in said
        and "100 % of it" in said
    )
