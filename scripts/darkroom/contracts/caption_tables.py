"""The two tables of captions: what the captioner answered per photo, and what a target trains on per frame."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import columns_of, read_rows


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


PHOTO_COLUMNS = columns_of(PhotoCaption)
FRAME_COLUMNS = columns_of(FrameCaption)


def read_photo_captions(path: Path) -> dict[str, str]:
    """The captioner's answers by photo: captions.csv of a project."""
    return {row.photo: row.caption for row in read_rows(path, PhotoCaption)}


def read_frame_captions(path: Path) -> dict[str, FrameCaption]:
    """The captions by frame: captions.csv of a target."""
    return {row.frame: row for row in read_rows(path, FrameCaption)}
