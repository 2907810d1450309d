"""The tables of captions: what the captioner answered per photo, what a target trains on per frame, and its audit."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import RowsByName, read_rows, read_rows_by_name


@dataclass(frozen=True)
class PhotoCaption:
    """The captioner's answer for a photo, without trigger; `model` is its source and revision."""

    photo: str
    caption: str
    model: str


@dataclass(frozen=True)
class FrameCaption:
    """The caption of a frame in the style of its target, with the trigger and, `untriggered`, without.

    `tokens` is the true count of the target's tightest encoder. `description` is what it was written from, `source`
    whose words these are (`override`, `sidecar`, `captioner`), `polished` whether a model reworded them.
    """

    frame: str
    caption: str
    tokens: int
    untriggered: str
    source: str
    description: str
    polished: str


@dataclass(frozen=True)
class AuditRow:
    """A finding of the audit of a target's captions, `error` or `warning`: about the words, the set or its photos.

    `share` of the frames; `frames` their names, apart by a space, `files` those of their photos, apart by ` / `.
    """

    level: str
    finding: str
    words: str
    share: float | None
    cause: str
    frames: str
    files: str

    @property
    def named(self) -> list[str]:
        """Each frame with the file of its photo."""
        files = self.files.split(" / ") if self.files else []
        return [f"{frame} of {file}" for frame, file in zip(self.frames.split(), files, strict=True)]


def read_photo_captions(path: Path) -> RowsByName[str]:
    """The captioner's answers by photo: captions.csv of a project."""
    return RowsByName(path, {row.photo: row.caption for row in read_rows(path, PhotoCaption)})


def read_frame_captions(path: Path) -> RowsByName[FrameCaption]:
    """The captions by frame: captions.csv of a target."""
    return read_rows_by_name(path, FrameCaption)


def read_audit(path: Path) -> list[AuditRow]:
    """The findings of audit.csv."""
    return read_rows(path, AuditRow)
