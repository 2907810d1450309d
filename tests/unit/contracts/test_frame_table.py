"""frames.csv: which frames there are, and which of them were cut."""

from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.contracts.frame_table import FrameRow, read_cut_frames, read_frames
from darkroom.errors import UserError
from darkroom.storage.tables import write_rows

CUT = FrameRow("a-64", "a", "ok", "", 0, 10, 100, 110, 64, 64, 400, 300, "p", "m")
NONE = dict.fromkeys(("x0", "y0", "x1", "y1", "width", "height"))
SMALL = replace(
    CUT, frame="b-64", photo="b", status="too_small", reason="a side is below 64", picture="", mask="", **NONE
)


def test_a_frame_that_was_not_cut_is_left_out_and_has_no_size(tmp_path: Path) -> None:
    write_rows(tmp_path / "frames.csv", FrameRow, [SMALL, CUT])
    assert read_frames(tmp_path / "frames.csv") == [CUT, SMALL]
    (cut,) = read_cut_frames(tmp_path / "frames.csv")
    assert (cut.crop, cut.size) == ((0, 10, 100, 110), (64, 64))
    for ask in (lambda: SMALL.crop, lambda: SMALL.size):
        with pytest.raises(ValueError, match="frame b-64 was not cut: too_small"):
            ask()


@pytest.mark.parametrize("column", NONE)
def test_a_cut_frame_without_its_crop_or_size_is_told_by_its_line(tmp_path: Path, column: str) -> None:
    write_rows(tmp_path / "frames.csv", FrameRow, [CUT])
    header, row = (line.split(",") for line in (tmp_path / "frames.csv").read_text().splitlines())
    row[header.index(column)] = ""
    (tmp_path / "frames.csv").write_text(",".join(header) + "\n" + ",".join(row) + "\n")
    with pytest.raises(UserError, match=r"frames\.csv: line 2: frame a-64 has no crop or size; delete this file"):
        read_frames(tmp_path / "frames.csv")
