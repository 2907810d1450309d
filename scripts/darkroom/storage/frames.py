"""Tables that are grouped or compared by their numbers: pandas frames. Others need not load pandas."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import TypeVar

import pandas as pd

Kind = TypeVar("Kind")
# Columns of other types are objects.
DTYPES: dict[object, str] = {int: "int64", float: "float64", float | None: "float64", bool: "bool"}


def frame_of(rows: Iterable[Kind], kind: type[Kind]) -> pd.DataFrame:
    """A frame of rows of a dataclass, a column per field, of its type; a number that is None is NaN.

    Raises ValueError or TypeError where a value is of another type than its field, such as the text of a number.
    """
    columns = {field.name: DTYPES.get(field.type, "object") for field in fields(kind)}  # type: ignore[arg-type]
    frame = pd.DataFrame([asdict(row) for row in rows], columns=list(columns), dtype=object)  # type: ignore[call-overload]
    for name, dtype in columns.items():
        wrong = [cell for cell in frame[name] if dtype != "object" and isinstance(cell, str)]
        if wrong:
            raise TypeError(f"{kind.__name__}.{name}: {wrong[0]!r} is a text, not a value of {dtype}")
    return frame.astype(columns)
