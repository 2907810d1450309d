"""duplicates.csv: which photos show one picture, a row per photo."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import RowsByName, read_rows_by_name


@dataclass(frozen=True)
class Relation:
    """What a photo is to the other photos.

    `group` is the photo at the root, empty for a photo without relatives. `kind` is how it relates to the photo `of`
    (`recompressed`, `mirrored`, `rotated`, `cropped` or `burst`), both empty for one that is nobody's copy; `score` is
    the correlation that proved it, `overlap` the share of the original that it shows.
    """

    photo: str
    group: str
    kind: str
    of: str
    score: float | None
    overlap: float | None


def read_relations(path: Path) -> RowsByName[Relation]:
    """The rows of duplicates.csv by photo."""
    return read_rows_by_name(path, Relation)
