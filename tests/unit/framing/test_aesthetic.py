"""A linear head on vectors: its numbers, and one line where it does not fit."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from darkroom.errors import UserError
from darkroom.framing.aesthetic import aesthetic_scores

VECTORS = {"b": np.array([0.6, 0.8], np.float32), "a": np.array([1, 0], np.float32)}


def head(path: Path, weight: object, bias: object) -> Path:
    save_file({"weight": np.array(weight, np.float32), "bias": np.array(bias, np.float32)}, path)
    return path


def test_scores_are_those_of_a_linear_layer(tmp_path: Path) -> None:
    rows = aesthetic_scores(VECTORS, head(tmp_path / "head", [[2, -1]], [5]))
    assert [(row.photo, row.aesthetic) for row in rows] == [("a", 7), ("b", pytest.approx(5.4))]


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pickle.pt").write_bytes(b"\x80\x04.")
    two, long = head(tmp_path / "two", [[1, 2], [3, 4]], [0, 0]), head(tmp_path / "long", [[1, 2, 3]], [0])
    for path, words in (
        (tmp_path / "pickle.pt", "no `weight` and `bias` in safetensors"),
        (tmp_path / "missing", "no `weight` and `bias`"),
        (two, r"shape \(2, 2\)"),
        (long, "vectors of 3 numbers, duplicates.embedding gives 2"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            aesthetic_scores(VECTORS, path)
        assert "aesthetic.head" in str(caught.value) and "\n" not in str(caught.value)
