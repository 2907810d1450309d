"""frames.csv: which frames a target gets of the selected photos, and why the others are missing, a row per frame."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import read_rows


@dataclass(frozen=True)
class FrameRow:
    """A frame that was planned.

    `status` is `ok`, `too_small` or `no_view`. x0, y0, x1, y1 are the crop in pixels of the opened photo, `width` and
    `height` the bucket's size, `picture` and `mask` the sha256 of the two files; all empty unless the status is `ok`.
    """

    frame: str
    photo: str
    status: str
    reason: str
    x0: int | None
    y0: int | None
    x1: int | None
    y1: int | None
    width: int | None
    height: int | None
    photo_width: int
    photo_height: int
    picture: str
    mask: str

    def __post_init__(self) -> None:
        """Raises ValueError for a frame that was cut and has no crop or size."""
        if self.status == "ok" and None in (self.x0, self.y0, self.x1, self.y1, self.width, self.height):
            raise ValueError(f"frame {self.frame} has no crop or size")

    @property
    def crop(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of a frame that is `ok`, else ValueError."""
        return _whole(self, (self.x0, self.y0, self.x1, self.y1))  # type: ignore[return-value]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame that is `ok`, else ValueError."""
        return _whole(self, (self.width, self.height))  # type: ignore[return-value]


def _whole(row: FrameRow, numbers: tuple[int | None, ...]) -> tuple[int, ...]:
    if None in numbers:
        raise ValueError(f"frame {row.frame} was not cut: {row.status}")
    return tuple(number for number in numbers if number is not None)


def read_frames(path: Path) -> list[FrameRow]:
    """All planned frames, sorted by name."""
    return read_rows(path, FrameRow)


def read_cut_frames(path: Path) -> list[FrameRow]:
    """The frames that were cut, sorted by name."""
    return [row for row in read_frames(path) if row.status == "ok"]
