"""Tables of the contract: CSV with one row per photo, sorted, in canonical bytes."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from darkroom.errors import UserError
from darkroom.storage.files import write_text

Row = dict[str, str]
Kind = TypeVar("Kind")
ANEW = "delete this file, and its shards where it has some; the next run makes it anew"


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


class RowsByName(dict[str, Kind]):
    """Rows of a table by name; asked for one that it does not have it says so, in a UserError."""

    def __init__(self, path: Path, rows: Mapping[str, Kind]) -> None:
        super().__init__(rows)
        self.path = path

    def __missing__(self, name: str) -> Kind:
        raise UserError(f"{self.path}: it has no row of {name}; {ANEW}")


def write_rows(path: Path, kind: type, rows: Iterable[Any], keep_order: bool = False) -> None:
    """Write rows of a dataclass, its fields the columns, as `write_table` does."""
    columns = columns_of(kind)
    write_table(path, columns, ({name: getattr(row, name) for name in columns} for row in rows), keep_order)


def read_rows(path: Path, kind: type[Kind]) -> list[Kind]:
    """Read a table as one dataclass per row, its fields the columns; others are left out.

    Fields are texts, integers, numbers or booleans; an empty cell of one that may be None is None. Raises UserError
    where somebody has edited the table: a column is missing, a row is too long or too short, a cell is not of its
    field's type, or the dataclass raises ValueError.
    """
    kinds = get_type_hints(kind)
    parsers = {name: _parser(kinds[name]) for name in columns_of(kind)}
    with _reading(path) as reader:
        missing = [name for name in parsers if name not in (reader.fieldnames or ())]
        if missing:
            raise UserError(f"{path}: it has no column {missing[0]}; {ANEW}")
        return [kind(**{name: parse(cells[name]) for name, parse in parsers.items()}) for cells in _whole(reader)]


def read_rows_by_name(path: Path, kind: type[Kind]) -> RowsByName[Kind]:
    """As `read_rows`, by the text in the first column."""
    name = columns_of(kind)[0]
    return RowsByName(path, {getattr(row, name): row for row in read_rows(path, kind)})


@contextlib.contextmanager
def _reading(path: Path) -> Iterator["csv.DictReader[str]"]:
    """A reader of a table; a ValueError about its rows becomes a UserError that names the line."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        try:
            yield reader
        except (ValueError, csv.Error) as error:
            # A line whose row cannot be taken apart is not counted yet.
            line = reader.line_num + isinstance(error, csv.Error)
            raise UserError(f"{path}: line {line}: {error}; {ANEW}") from error


def _whole(reader: Iterable[Row]) -> Iterator[Row]:
    """The rows of a table, each with as many cells as its header, else ValueError."""
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"it has {'more' if None in row else 'fewer'} cells than the header")
        yield row


def _parser(kind: Any) -> Callable[[str], Any]:
    """What makes a field's value of the text of a cell, as `_cell` wrote it."""
    (plain,) = [part for part in get_args(kind) or (kind,) if part is not NoneType]
    parsers: dict[type, Callable[[str], Any]] = {str: str, int: int, float: float, bool: _truth}
    parse = parsers[plain]
    return parse if plain is kind else lambda cell: parse(cell) if cell else None


def _truth(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError(f"'{cell}' is neither true nor false")
    return cell == "true"


def gather_tables(paths: Iterable[Path], output: Path, keep_order: bool = False) -> list[Row]:
    """Merge the tables of all shards into one and return its rows: sorted, or one table after the other.

    Raises UserError where somebody has edited one: its columns are others, or a row is too long or too short.
    """
    columns: list[str] = []
    rows: list[Row] = []
    for path in paths:
        with _reading(path) as reader:
            header = list(reader.fieldnames or [])
            if columns and header != columns:
                raise UserError(f"{path}: its columns are {header}, those of other shards {columns}; {ANEW}")
            columns = header
            rows.extend(_whole(reader))
    write_table(output, columns, rows, keep_order)
    return rows
