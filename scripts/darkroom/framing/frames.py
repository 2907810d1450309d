"""Frames: the pictures and masks that a target is trained on, cut by one transform and written out."""

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from darkroom import open_photo as opening
from darkroom.cache import Cache, cache_key, code_version
from darkroom.files import link_or_copy, sha256_bytes
from darkroom.framing.buckets import Box, Crop, choose_crop
from darkroom.framing.settings import CropSettings
from darkroom.open_photo import surveyed_photo
from darkroom.overrides import Override
from darkroom.progress import progress
from darkroom.tables import Row

COLUMNS = (
    *("frame", "photo", "status", "reason", "x0", "y0", "x1", "y1", "width", "height"),
    *("photo_width", "photo_height", "picture", "mask"),
)
NOTHING = dict.fromkeys(("x0", "y0", "x1", "y1", "width", "height"))


def apply_crop(image: Image.Image, crop: Crop) -> Image.Image:
    """Cut the window and resize it to the bucket by Lanczos: the one transform of pictures and masks."""
    return image.resize(crop.bucket, Image.Resampling.LANCZOS, box=(crop.x0, crop.y0, crop.x1, crop.y1))


def subject_box(mask: Mapping[str, str], override: Override | None) -> Box | None:
    """The subject's box in opened pixels: the user's, else the mask's, None where no subject was found."""
    if override is not None and override.box is not None:
        return override.box
    if not mask["x0"]:
        return None
    return float(mask["x0"]), float(mask["y0"]), float(mask["x1"]), float(mask["y1"])


def _png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=6)
    return data.getvalue()


def _within(box: Box | None, photo: tuple[int, int]) -> Box | None:
    """A user's box may reach over the edge of the photo."""
    if box is None:
        return None
    x0, y0, x1, y1 = min(box[0], photo[0] - 1), min(box[1], photo[1] - 1), min(box[2], photo[0]), min(box[3], photo[1])
    return x0, y0, x1, y1


def plan_frame(photo: Row, mask: Row, override: Override | None, settings: CropSettings) -> tuple[Crop | None, str]:
    """The crop of a photo, or None and the reason in words why it makes no frame."""
    size = int(photo["width"]), int(photo["height"])
    crop = choose_crop(size, _within(subject_box(mask, override), size), settings)
    if crop is None:
        return None, f"{size[0]} x {size[1]} pixels fill no bucket of {settings.resolution} without enlarging"
    return crop, ""


def cut_frames(
    selected: Sequence[str],
    photos: Mapping[str, Row],
    masks: Mapping[str, Row],
    overrides: Mapping[str, Override],
    folder: Path,
    mask_folder: Path,
    settings: CropSettings,
    cache: Path,
    output: tuple[Path, Path],
) -> tuple[list[dict[str, Any]], int]:
    """Write <frame>.png of every selected photo and its mask into the two folders of `output`.

    Returns the rows of frames.csv and how many frames were cut anew. `picture` and `mask` in a row are the sha256 of
    the two files. A photo that is too small for every bucket gets a row with its reason and no files.
    """
    memory = Cache(cache / "frames")
    version = code_version(*opening.MODULES, sys.modules[__name__])
    for path in output:
        path.mkdir(parents=True, exist_ok=True)
    rows, computed = [], 0
    for name in progress(sorted(selected), "frames", "frames"):
        photo = photos[name]
        row = {"frame": name, "photo": name, "photo_width": photo["width"], "photo_height": photo["height"]}
        crop, reason = plan_frame(photo, masks[name], overrides.get(name), settings)
        if crop is None:
            rows.append({**row, **NOTHING, "status": "too_small", "reason": reason, "picture": "", "mask": ""})
            continue
        numbers = {"x0": crop.x0, "y0": crop.y0, "x1": crop.x1, "y1": crop.y1}
        numbers |= {"width": crop.bucket[0], "height": crop.bucket[1]}
        key = cache_key(stage="frames", photo=photo["sha256"], mask=masks[name]["sha256"], **numbers, code=version)
        files = {"picture": memory.path(key, ".picture.png"), "mask": memory.path(key, ".mask.png")}
        hashes = memory.load(key) if all(memory.has(key, f".{kind}.png") for kind in files) else None
        if hashes is None:
            computed += 1
            hashes = _cut(surveyed_photo(folder, photo["path"]).picture, mask_folder / f"{name}.png", crop, memory, key)
        for kind, destination in zip(("picture", "mask"), output, strict=True):
            link_or_copy(files[kind], destination / f"{name}.png")
        note = "" if crop.cut < 1 else f"{crop.cut:.0f} pixels of the subject's box lie outside"
        rows.append({**row, **numbers, "status": "ok", "reason": note, **hashes})
    return rows, computed


def _cut(photo: Image.Image, mask: Path, crop: Crop, memory: Cache, key: str) -> dict[str, str]:
    with Image.open(mask) as grey:
        images = {"picture": photo, "mask": grey.convert("L")}
    if images["picture"].size != images["mask"].size:
        raise ValueError(f"{mask.name}: the mask is {images['mask'].size}, its photo {images['picture'].size}")
    data = {kind: _png(apply_crop(image, crop)) for kind, image in images.items()}
    for kind, content in data.items():
        memory.store_bytes(key, f".{kind}.png", content)
    hashes = {kind: sha256_bytes(content) for kind, content in data.items()}
    memory.store(key, hashes)
    return hashes
