"""The manifest of a dataset: what exactly is trained on, per frame, by hash. The form in which rooms hand it on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from darkroom.storage.files import read_json


@dataclass(frozen=True)
class Frame:
    """One frame of a dataset: size in pixels, caption, split and the sha256 of everything it consists of.

    `original_width` and `original_height` are the size of the opened photo; `crop_left` and `crop_top` say where the
    frame begins in that photo once it is resized as the frame was: what SDXL is conditioned on (Podell et al. 2023,
    section 2.2), beside the frame's own size. `untriggered` is the caption without the trigger.
    """

    frame: str
    photo: str
    photo_sha256: str
    split: str
    width: int
    height: int
    original_width: int
    original_height: int
    crop_left: int
    crop_top: int
    caption: str
    untriggered: str
    caption_sha256: str
    picture_sha256: str
    mask_sha256: str


def manifest_json(frames: Sequence[Frame]) -> dict[str, Any]:
    """The content of manifest.json, frames sorted by name."""
    return {"frames": [asdict(frame) for frame in sorted(frames, key=lambda frame: frame.frame)]}


def read_manifest(path: Path) -> list[Frame]:
    """The frames of a manifest, sorted by name."""
    return [Frame(**frame) for frame in read_json(path)["frames"]]
