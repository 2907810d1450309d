"""Raw scores of photos, measured inside the subject: how sharp, how well exposed, how clean. Higher is better."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from darkroom import open_photo as opening
from darkroom.cache import Cache, cache_key, code_version, remember
from darkroom.framing.settings import QualitySettings
from darkroom.open_photo import OpenedPhoto, surveyed_photo
from darkroom.progress import progress
from darkroom.tables import Row

COLUMNS = ("photo", "sharpness", "exposure", "brightness", "unclipped", "noise", "compression")
# From here on a pixel of a mask belongs to the subject, and so many pixels make one.
SUBJECT = 128
FEWEST_PIXELS = 64
# Length in pixels of the line over which the sharpness test smears.
SMEAR = 5
# The sharpness test looks at the strongest edges only: this percentile of the subject's gradients and above.
STRONG = 90
# Grey levels below which a gradient says little: rounding and compression make such steps in any blurred picture.
FAINT = 2.0
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1))
CLIPPED = 250
# Kernel and factor of Immerkaer, "Fast Noise Variance Estimation" (1996): blind to edges that are straight.
NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
NOISE_FACTOR = float(np.sqrt(np.pi / 2) / 6)


def _shifted(grey: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    return np.roll(grey, (step[1], step[0]), axis=(0, 1))


def _smeared(grey: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    kernel = np.zeros((SMEAR, SMEAR), np.float32)
    for place in range(-(SMEAR // 2), SMEAR // 2 + 1):
        kernel[SMEAR // 2 + place * step[1], SMEAR // 2 + place * step[0]] = 1 / SMEAR
    return cv2.filter2D(grey, -1, kernel, borderType=cv2.BORDER_REPLICATE)


def sharpness(grey: np.ndarray, subject: np.ndarray) -> float:
    """How much the subject's strongest edges lose when they are smeared: near 1 crisp, near 0 already smeared.

    The blur measure of Crete et al., "The Blur Effect" (2007), restricted to the strongest tenth of the gradients and
    taken along four directions, of which the worst counts: motion blur spares the edges along its own direction. It
    is a ratio, so contrast and light nearly cancel out. `grey` is (height, width) float32, `subject` a boolean mask.
    """
    inner = subject.copy()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    if not inner.any():
        return 0.0
    values = []
    for step in DIRECTIONS:
        smeared = _smeared(grey, step)
        gradient = np.abs(grey - _shifted(grey, step))[inner]
        left = np.abs(smeared - _shifted(smeared, step))[inner]
        strong = gradient >= np.percentile(gradient, STRONG)
        lost = float(np.maximum(gradient - left, 0)[strong].sum())
        values.append(lost / float((gradient[strong] + FAINT).sum()))
    return min(values)


def noise(grey: np.ndarray) -> float:
    """The signal-to-noise ratio in decibels, 20 log10(255 / sigma), at most 60.

    Sigma is Immerkaer's estimate in tiles of 16 pixels, the lowest tenth of them: there is least texture.
    """
    residual = np.abs(cv2.filter2D(grey, -1, NOISE_KERNEL)) * NOISE_FACTOR
    tiles = cv2.blur(residual, (16, 16))[8::16, 8::16]
    sigma = float(np.percentile(tiles, 10)) if tiles.size else 0.0
    return float(min(60.0, 20 * np.log10(255 / max(sigma, 1e-6))))


def compression(photo: OpenedPhoto) -> float | None:
    """The libjpeg quality of a JPEG from 0 to 1, 1 for formats without loss, None where it cannot be known."""
    if photo.format in ("WEBP", "AVIF", "HEIF"):
        return None
    return 1.0 if photo.jpeg_quality is None else photo.jpeg_quality / 100


def score_photo(photo: OpenedPhoto, mask: Image.Image, settings: QualitySettings) -> dict[str, Any]:
    """The raw scores of quality.csv. Where the mask shows no subject, the whole photo is measured.

    Photos are reduced to `settings.side` (never enlarged), so that the number of pixels does not decide. `brightness`
    is the 98th percentile of the luminance in the subject's box, `unclipped` the share of the subject that is not
    burnt out, `exposure` the lesser of the two; all from 0 to 1.
    """
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
    return {
        "sharpness": sharpness(grey, subject),
        "exposure": min(brightness, unclipped),
        "brightness": brightness,
        "unclipped": unclipped,
        "noise": noise(grey),
        "compression": compression(photo),
    }


def score_photos(
    photos: Sequence[Row],
    masks: Sequence[Row],
    folder: Path,
    mask_folder: Path,
    settings: QualitySettings,
    cache: Path,
) -> tuple[list[dict[str, Any]], int]:
    """One row of quality.csv per readable photo, and how many were computed."""
    cv2.setNumThreads(1)
    rows = {row["photo"]: row for row in photos if row["status"] == "ok"}
    mask_hashes = {row["photo"]: row["sha256"] for row in masks}
    version = code_version(*opening.MODULES, sys.modules[__name__])
    keys = {
        photo: cache_key(
            **{"stage": "quality", "photo": row["sha256"], "mask": mask_hashes[photo]},
            **{"settings": settings.to_argument(), "code": version},
        )
        for photo, row in rows.items()
    }

    def compute(missing: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for photo in progress(missing, "quality", "photos"):
            with Image.open(mask_folder / f"{photo}.png") as mask:
                yield photo, score_photo(surveyed_photo(folder, rows[photo]["path"]), mask, settings)

    values, computed = remember(Cache(cache / "quality"), keys, compute)
    return [{"photo": photo, **values[photo]} for photo in sorted(values)], computed
