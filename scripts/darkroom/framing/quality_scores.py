"""Raw scores of photos, measured inside the subject: how sharp, how well exposed, how clean. Higher is better."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from darkroom.config.framing import QualitySettings
from darkroom.framing import mask_measures, picture_defects
from darkroom.framing import sharpness as sharpness_module
from darkroom.framing.mask_measures import SUBJECT
from darkroom.framing.picture_defects import compression, filled, noise_deviation, signal_to_noise, unblocked
from darkroom.framing.sharpness import FEWEST_PIXELS, sharpness
from darkroom.framing.tables import MaskRow, QualityRow
from darkroom.imaging import borders
from darkroom.imaging import open_photo as opening
from darkroom.imaging.open_photo import OpenedPhoto, surveyed_photo
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key, cached
from darkroom.storage.code_version import code_version

# Grey levels from here on are burnt out.
CLIPPED = 250
# What decides a score, for cache keys.
MODULES = (*opening.MODULES, borders, mask_measures, picture_defects, sharpness_module, sys.modules[__name__])


def score_photo(photo: OpenedPhoto, mask: Image.Image, settings: QualitySettings) -> dict[str, Any]:
    """The raw scores of quality.csv. Where the mask shows no subject, the whole photo is measured.

    Photos are reduced to `settings.side` (never enlarged), so that the number of pixels does not decide; only blocks
    are searched for, and the subject is measured, in the photo's own size. `brightness` is the 98th percentile of the
    luminance in the subject's box, `unclipped` the share of the subject that is not burnt out, `exposure` the lesser
    of the two; all from 0 to 1. `subject_side` is the side in pixels of a square as large as the subject, 0 for none.
    """
    subject_side = float(np.sqrt((np.asarray(mask) >= SUBJECT).sum()))
    picture = photo.picture.copy()
    picture.thumbnail((settings.side, settings.side), Image.Resampling.LANCZOS)
    grey = np.asarray(picture.convert("L"), np.float32)
    subject = np.asarray(mask.resize(picture.size, Image.Resampling.BILINEAR)) >= SUBJECT
    if subject.sum() < FEWEST_PIXELS:
        subject = np.ones_like(subject)
    rows, columns = np.flatnonzero(subject.any(axis=1)), np.flatnonzero(subject.any(axis=0))
    around = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    brightness = float(np.percentile(around, 98)) / 255
    unclipped = float((grey[subject] < CLIPPED).mean())
    noise = noise_deviation(grey)
    return {
        "sharpness": sharpness(grey, subject, noise),
        "exposure": min(brightness, unclipped),
        "brightness": brightness,
        "unclipped": unclipped,
        "noise": signal_to_noise(noise),
        "compression": compression(photo),
        "unblocked": unblocked(np.asarray(photo.picture.convert("L"))),
        "filled": filled(grey),
        "subject_side": subject_side,
    }


def score_photos(
    photos: Mapping[str, PhotoFile],
    masks: Mapping[str, MaskRow],
    folder: Path,
    mask_folder: Path,
    settings: QualitySettings,
    cache: Path,
) -> tuple[list[QualityRow], int]:
    """One row of quality.csv per photo, and how many were computed."""
    version = code_version(*MODULES)
    keys = {
        name: cache_key(
            **{"stage": "quality", "photo": photo.sha256, "mask": masks[name].sha256},
            **{"settings": settings.to_argument(), "code": version},
        )
        for name, photo in photos.items()
    }

    def compute(missing: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for photo in progress(missing, "quality", "photos"):
            with Image.open(mask_folder / f"{photo}.png") as mask:
                yield photo, score_photo(surveyed_photo(folder, photos[photo]), mask, settings)

    values, computed = cached(Cache(cache / "quality"), keys, compute)
    return [QualityRow(photo, **values[photo]) for photo in sorted(values)], computed
