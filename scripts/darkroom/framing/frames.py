"""Frames: the pictures and masks that a target is trained on, cut as planned, written out and remembered."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from darkroom.contracts.frame_table import FrameRow
from darkroom.framing import frame_pictures as pictures
from darkroom.framing.buckets import Crop
from darkroom.framing.frame_pictures import apply_crop, replace_background
from darkroom.framing.frame_plan import PlannedFrame
from darkroom.framing.tables import MaskRow
from darkroom.imaging import open_photo as opening
from darkroom.imaging import png
from darkroom.imaging.open_photo import surveyed_photo
from darkroom.imaging.png import png_bytes
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key
from darkroom.storage.code_version import code_version
from darkroom.storage.files import link_or_copy, sha256_bytes

KINDS = ("picture", "mask")
# What decides a frame: for `code_version`.
MODULES = (*opening.MODULES, pictures, png, sys.modules[__name__])


@dataclass(frozen=True)
class Sources:
    """Where frames are cut from: photos and the numbers of their masks, by photo, and the folders of both."""

    photos: Mapping[str, PhotoFile]
    masks: Mapping[str, MaskRow]
    folder: Path
    mask_folder: Path

    def mask_levels(self, photo: str) -> np.ndarray:
        """The mask of a photo, (height, width), uint8."""
        return np.asarray(_grey(self.mask_folder / f"{photo}.png"))


def cut_frames(
    plans: Sequence[PlannedFrame], sources: Sources, background: str, cache: Path, output: tuple[Path, Path]
) -> tuple[list[FrameRow], int]:
    """Write <frame>.png of every planned frame and its mask into the two folders of `output`.

    Returns the rows of frames.csv and how many frames were cut anew. A frame without a crop gets a row with its reason
    and no files; one whose mask is not used gets a white mask and its own background.
    """
    frame_cache = Cache(cache / "frames")
    for path in output:
        path.mkdir(parents=True, exist_ok=True)
    rows, computed = [], 0
    for plan in progress(plans, "frames", "frames"):
        width, height = sources.photos[plan.photo].size
        about = plan.frame, plan.photo, plan.status, plan.reason
        cut: dict[str, Any] = dict.fromkeys(("x0", "y0", "x1", "y1", "width", "height"))
        cut |= {"picture": "", "mask": ""}
        if plan.crop is not None:
            shown = background if plan.mask_used else "photo"
            hashes, files, made = _cached(plan, plan.crop, sources, shown, frame_cache)
            computed += made
            for kind, destination in zip(KINDS, output, strict=True):
                link_or_copy(files[kind], destination / f"{plan.frame}.png")
            cut = {**_numbers(plan.crop), **hashes}
        rows.append(FrameRow(*about, photo_width=width, photo_height=height, **cut))
    return rows, computed


def _numbers(crop: Crop) -> dict[str, int]:
    window = {"x0": crop.x0, "y0": crop.y0, "x1": crop.x1, "y1": crop.y1}
    return window | {"width": crop.bucket[0], "height": crop.bucket[1]}


def _cached(
    plan: PlannedFrame, crop: Crop, sources: Sources, background: str, frame_cache: Cache
) -> tuple[dict[str, str], dict[str, Path], bool]:
    """The sha256 and the cached file of a frame's picture and mask, and whether they were made just now."""
    photo = sources.photos[plan.photo]
    key = cache_key(
        stage="frames",
        photo=photo.sha256,
        mask=sources.masks[plan.photo].sha256 if plan.mask_used else "white",
        background=background,
        code=code_version(*MODULES),
        **_numbers(crop),
    )
    files = {kind: frame_cache.path(key, f".{kind}.png") for kind in KINDS}
    hashes = frame_cache.load(key) if all(frame_cache.has(key, f".{kind}.png") for kind in KINDS) else None
    if hashes is not None:
        return hashes, files, False
    picture = surveyed_photo(sources.folder, photo).picture
    mask = _mask(sources.mask_folder / f"{plan.photo}.png", picture.size) if plan.mask_used else None
    data = _cut(picture, mask, crop, background, photo.sha256)
    for kind, content in data.items():
        frame_cache.store_bytes(key, f".{kind}.png", content)
    hashes = {kind: sha256_bytes(content) for kind, content in data.items()}
    frame_cache.store(key, hashes)
    return hashes, files, True


def _grey(path: Path) -> Image.Image:
    with Image.open(path) as mask:
        return mask.convert("L")


def _mask(path: Path, size: tuple[int, int]) -> Image.Image:
    mask = _grey(path)
    if mask.size != size:
        raise ValueError(f"{path.name}: the mask is {mask.size}, its photo {size}")
    return mask


def _cut(photo: Image.Image, mask: Image.Image | None, crop: Crop, background: str, key: str) -> dict[str, bytes]:
    """The PNGs of a frame: photo and mask by the same transform; without a mask a white one."""
    picture = apply_crop(photo, crop)
    cover = Image.new("L", crop.bucket, 255) if mask is None else apply_crop(mask, crop)
    shown = replace_background(picture, cover, background, key)
    return {"picture": png_bytes(shown), "mask": png_bytes(cover)}
