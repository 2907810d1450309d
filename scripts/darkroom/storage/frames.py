"""Tables that are grouped or compared by their numbers: pandas frames. Others need not load pandas."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TypeVar, get_type_hints

import pandas as pd

from darkroom.storage.tables import columns_of

Kind = TypeVar("Kind")
DTYPES: dict[object, str] = {
    int: "int64",
    float: "float64",
    float | None: "float64",
    bool: "bool",
    str: "object",
}


def frame_of(rows: Iterable[Kind], kind: type[Kind]) -> pd.DataFrame:
    """A frame of rows of a dataclass, a column per field, of its type; a number that is None is NaN.

    Raises ValueError or TypeError where a value is of another type than its field, such as the text of a number, and
    KeyError for a field of a type that is none of DTYPES.
    """
    kinds = get_type_hints(kind)
    columns = {name: DTYPES[kinds[name]] for name in columns_of(kind)}
    frame = pd.DataFrame([asdict(row) for row in rows], columns=list(columns), dtype=object)  # type: ignore[call-overload]
    for name, dtype in columns.items():
        wrong = [cell for cell in frame[name] if dtype != "object" and isinstance(cell, str)]
        if wrong:
            raise TypeError(f"{kind.__name__}.{name}: {wrong[0]!r} is a text, not a value of {dtype}")
    return frame.astype(columns)
