"""photos.csv: what each file of the photos folder is, a row per file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import read_rows


@dataclass(frozen=True)
class PhotoFile:
    """A file of the photos folder.

    `status` is `ok`, `identical` (the same bytes as `of_path`), `unreadable`, `unsupported` or `sidecar` (the caption
    of `of_path`). `photo` and `sha256` are empty where the bytes could not be read. What follows `of_path` is known of
    a picture that could be opened: `width` and `height` in pixels, upright, and what `OpenedPhoto` tells of the rest.
    """

    path: str
    photo: str
    sha256: str
    status: str
    reason: str = ""
    of_path: str = ""
    width: int | None = None
    height: int | None = None
    format: str = ""
    taken_at: str = ""
    jpeg_quality: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a photo without a size."""
        if self.status == "ok" and not (self.sha256 and self.width and self.height):
            raise ValueError(f"photo {self.path} has no sha256 or size")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a photo. Raises ValueError for a file that could not be opened as one."""
        if self.width is None or self.height is None:
            raise ValueError(f"{self.path} was not opened: {self.reason}")
        return self.width, self.height


def read_photos(path: Path) -> list[PhotoFile]:
    """The files of photos.csv, or of a shard's part of it."""
    return read_rows(path, PhotoFile)


def readable_photos(files: Iterable[PhotoFile]) -> dict[str, PhotoFile]:
    """The photos among the files, by name: exact copies are one."""
    return {file.photo: file for file in files if file.status == "ok"}
