"""Tables of the contract: CSV with one row per photo, sorted, in canonical bytes."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args

from darkroom.errors import UserError
from darkroom.storage.files import write_text

Row = dict[str, str]
Kind = TypeVar("Kind")
ANEW = "delete this file, and the next run makes it anew"


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


def columns_of(kind: type) -> tuple[str, ...]:
    """The columns of a table whose rows are of a dataclass: its fields, in their order."""
    return tuple(field.name for field in fields(kind))


def read_rows(path: Path, kind: type[Kind]) -> list[Kind]:
    """Read a table as one dataclass per row; columns that are no field are left out.

    Fields are texts, integers, numbers or booleans; an empty cell of one that may be None is None, and a field with a
    default needs no column. Raises UserError for another column that is missing or a cell that is not of its field's
    type: somebody has edited the table.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        there = set(reader.fieldnames or ())
        wanted = [field for field in fields(kind) if field.name in there or field.default is MISSING]  # type: ignore[arg-type]
        missing = [field.name for field in wanted if field.name not in there]
        if missing:
            raise UserError(f"{path}: it has no column {missing[0]}; {ANEW}")
        parsers = {field.name: _parser(field.type) for field in wanted}
        try:
            return [kind(**{name: parse(_whole(row[name])) for name, parse in parsers.items()}) for row in reader]
        except ValueError as error:
            raise UserError(f"{path}: line {reader.line_num}: {error}; {ANEW}") from error


def _parser(kind: Any) -> Callable[[str], Any]:
    """What makes a field's value of the text of a cell, as `_cell` wrote it."""
    (plain,) = [part for part in get_args(kind) or (kind,) if part is not NoneType]
    parsers: dict[type, Callable[[str], Any]] = {str: str, int: int, float: float, bool: _truth}
    parse = parsers[plain]
    return parse if plain is kind else lambda cell: parse(cell) if cell else None


def _whole(cell: str | None) -> str:
    if cell is None:
        raise ValueError("a cell is missing")
    return cell


def _truth(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError(f"'{cell}' is neither true nor false")
    return cell == "true"


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
