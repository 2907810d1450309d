"""selection.csv: which photos are used, and why the others are not, a row per readable photo."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import read_rows


@dataclass(frozen=True)
class Verdict:
    """What was decided on a photo, with the raw scores beside it.

    `split` is `train` or `held_out`, empty for a photo that is not selected; `mask_problem` says why its mask is not
    trusted, empty where it is.
    """

    photo: str
    selected: bool
    reason: str
    split: str
    path: str
    sharpness: float
    exposure: float
    coverage: float
    mask_problem: str


def read_selection(path: Path) -> list[Verdict]:
    """All verdicts, sorted by photo."""
    return read_rows(path, Verdict)


def read_selected(path: Path) -> dict[str, Verdict]:
    """The verdicts on the selected photos, by photo."""
    return {row.photo: row for row in read_selection(path) if row.selected}
