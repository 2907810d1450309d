"""Tables of the contract: CSV with one row per photo, sorted, in canonical bytes."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from darkroom.storage.files import write_text

Row = dict[str, str]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], keep_order: bool = False
) -> None:
    """Write rows sorted by the text of their cells from left to right, or in their own order; whole or not at all.

    Floats keep six significant digits, None is an empty cell, booleans are `true` and `false`. A row must have
    exactly the given columns, else ValueError.
    """
    cells = []
    for row in rows:
        if set(row) != set(columns):
            raise ValueError(f"{path.name}: row has {sorted(row)}, the table has {sorted(columns)}")
        cells.append([_cell(row[column]) for column in columns])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(cells if keep_order else sorted(cells))
    write_text(path, text.getvalue())


def read_table(path: Path) -> list[Row]:
    """Read a table as one dict of strings per row."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def gather_tables(paths: Iterable[Path], output: Path, keep_order: bool = False) -> list[Row]:
    """Merge the tables of all shards into one and return its rows: sorted, or one table after the other.

    Their columns must be the same, else ValueError.
    """
    columns: list[str] = []
    rows: list[Row] = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or [])
            if columns and header != columns:
                raise ValueError(f"{path}: columns {header} differ from {columns}")
            columns = header
            rows.extend(reader)
    write_table(output, columns, rows, keep_order)
    return rows
