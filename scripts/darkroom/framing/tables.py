"""The tables that the rules of this room read of each other: masks.csv, quality.csv and aesthetic.csv."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import RowsByName, read_rows_by_name


@dataclass(frozen=True)
class MaskRow:
    """The raw numbers of a photo's mask, as `describe_mask` says them; None where one was not measured.

    `looks` is how well the masks of a photo and its mirror agree, `agreement` that of two models, both as intersection
    over union; `source` the model, or SUPPLIED. x0, y0, x1, y1 are None where no subject was found.
    """

    photo: str
    coverage: float
    x0: float | None
    y0: float | None
    x1: float | None
    y1: float | None
    pieces: int
    largest: float
    holes: int
    border: float
    certainty: float
    expected: float
    looks: float | None
    agreement: float | None
    source: str
    sha256: str

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """The subject's box in pixels of the opened photo, x0, y0, x1, y1; None where none was found."""
        if self.x0 is None or self.y0 is None or self.x1 is None or self.y1 is None:
            return None
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True)
class QualityRow:
    """The raw scores of a photo, as `score_photo` says them, higher is better; None where one cannot be measured."""

    photo: str
    sharpness: float
    exposure: float
    brightness: float
    unclipped: float
    noise: float
    compression: float | None
    unblocked: float | None
    filled: float
    subject_side: float


@dataclass(frozen=True)
class AestheticRow:
    """How much people like a photo, in the units of the head that says so."""

    photo: str
    aesthetic: float


def read_masks(path: Path) -> RowsByName[MaskRow]:
    """The rows of masks.csv by photo."""
    return read_rows_by_name(path, MaskRow)


def read_quality(path: Path) -> RowsByName[QualityRow]:
    """The rows of quality.csv by photo."""
    return read_rows_by_name(path, QualityRow)


def read_aesthetics(path: Path) -> RowsByName[AestheticRow]:
    """The rows of aesthetic.csv by photo."""
    return read_rows_by_name(path, AestheticRow)
