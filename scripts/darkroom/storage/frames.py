"""Tables that are joined, grouped or compared: pandas frames with typed columns. Others need not load pandas."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from darkroom.storage.tables import read_table

Columns = Mapping[str, Literal["int", "float", "bool", "str"]]


def read_frame(path: Path, columns: Columns) -> pd.DataFrame:
    """Read a table as `write_table` writes it; columns that are not named are texts."""
    return frame_of(read_table(path), columns)


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Columns) -> pd.DataFrame:
    """A frame of rows of texts. An empty number is NaN; a named column that is not there is all NaN, or empty texts."""
    frame = pd.DataFrame(list(rows), dtype=object)
    for name, kind in columns.items():
        cells = frame[name] if name in frame else pd.Series([""] * len(frame), dtype=object)
        frame[name] = _typed(cells, kind)
    return frame


def _typed(cells: pd.Series, kind: str) -> pd.Series:
    if kind == "int":
        return cells.astype(int)
    if kind == "bool":
        return cells == "true"
    if kind == "float":
        return cells.map(lambda cell: float(cell) if cell != "" else float("nan")).astype(float)
    return cells
