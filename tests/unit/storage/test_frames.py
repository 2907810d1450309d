"""Tables as typed frames."""

import math
from pathlib import Path

from darkroom.storage.frames import Columns, read_frame
from darkroom.storage.tables import write_table

COLUMNS: Columns = {"step": "int", "score": "float", "control": "bool", "split": "str", "later": "float"}


def test_cells_have_the_types_of_their_columns(tmp_path: Path) -> None:
    """What is empty is no number, and a column that an older table lacks is empty."""
    rows = [{"step": 100, "score": 1 / 3, "control": True, "split": "train"}]
    rows.append({"step": 2, "score": None, "control": False, "split": ""})
    write_table(tmp_path / "a.csv", ["step", "score", "control", "split"], rows, keep_order=True)
    frame = read_frame(tmp_path / "a.csv", COLUMNS)
    first, second = frame.to_dict("records")
    assert (first["step"], first["score"], first["control"], first["split"]) == (100, 0.333333, True, "train")
    assert (second["step"], second["control"], second["split"]) == (2, False, "")
    assert math.isnan(second["score"]) and frame["later"].isna().all()
    assert frame["step"].dtype == int and frame["control"].dtype == bool
