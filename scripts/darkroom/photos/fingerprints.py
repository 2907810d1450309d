"""Perceptual hashes of photos under the eight ways in which a picture can lie."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from darkroom.imaging import thumbnails
from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key, cached
from darkroom.storage.code_version import code_version
from darkroom.storage.tables import RowsByName, read_rows_by_name

HASH_SIZE = 16
# imagehash's phash looks at a picture of this side.
SEEN_SIDE = 4 * HASH_SIZE
COSINES = 2 * np.cos(np.pi * np.arange(HASH_SIZE)[:, None] * (2 * np.arange(SEEN_SIDE) + 1) / (2 * SEEN_SIDE))
Transpose = Image.Transpose
ORIENTATIONS: dict[str, tuple[Image.Transpose, ...]] = {
    "upright": (),
    "rotated_90": (Transpose.ROTATE_90,),
    "rotated_180": (Transpose.ROTATE_180,),
    "rotated_270": (Transpose.ROTATE_270,),
    "mirrored": (Transpose.FLIP_LEFT_RIGHT,),
    "mirrored_90": (Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_90),
    "mirrored_180": (Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180),
    "mirrored_270": (Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_270),
}
# What decides a hash: for `code_version`.
MODULES = (*thumbnails.MODULES, sys.modules[__name__])


@dataclass(frozen=True)
class Fingerprint:
    """A photo's 256-bit perceptual hashes, as 64 hex digits each, in all ORIENTATIONS."""

    photo: str
    upright: str
    rotated_90: str
    rotated_180: str
    rotated_270: str
    mirrored: str
    mirrored_90: str
    mirrored_180: str
    mirrored_270: str

    def __post_init__(self) -> None:
        """Raises ValueError for what is no hash."""
        if any(len(bytes.fromhex(self.hash(name))) != HASH_SIZE**2 // 8 for name in ORIENTATIONS):
            raise ValueError(f"a hash of {self.photo} is not {HASH_SIZE**2} bits in hex")

    def hash(self, orientation: str) -> str:
        """The hash in one of the ORIENTATIONS."""
        return str(getattr(self, orientation))


def read_fingerprints(path: Path) -> RowsByName[Fingerprint]:
    """The rows of fingerprints.csv by photo."""
    return read_rows_by_name(path, Fingerprint)


def turn(picture: Image.Image, orientation: str) -> Image.Image:
    """The picture in one of the ORIENTATIONS."""
    for step in ORIENTATIONS[orientation]:
        picture = picture.transpose(step)
    return picture


def orientation_hashes(picture: Image.Image) -> dict[str, str]:
    """256-bit perceptual hashes (64 hex digits) of a picture in all ORIENTATIONS, as imagehash.phash has them.

    The picture is reduced once, and its cosine transform is turned instead of the picture: of a mirrored picture every
    other frequency changes its sign, of a transposed one the transform is transposed.
    """
    low = _low_frequencies(picture)
    signs = np.where(np.arange(HASH_SIZE) % 2 == 0, 1.0, -1.0)
    across, down = low * signs, low * signs[:, None]
    both = across * signs[:, None]
    turned = {
        "upright": low,
        "rotated_90": across.T,
        "rotated_180": both,
        "rotated_270": down.T,
        "mirrored": across,
        "mirrored_90": low.T,
        "mirrored_180": down,
        "mirrored_270": both.T,
    }
    return {name: _above_median(turned[name]) for name in ORIENTATIONS}


def upright_hash(picture: Image.Image) -> str:
    """The 256-bit perceptual hash (64 hex digits) of a picture as it lies, as imagehash.phash has it."""
    return _above_median(_low_frequencies(picture))


def _low_frequencies(picture: Image.Image) -> np.ndarray:
    """The lowest frequencies (HASH_SIZE, HASH_SIZE) of a picture's cosine transform (DCT-II)."""
    small = picture.convert("L").resize((SEEN_SIDE, SEEN_SIDE), Image.Resampling.LANCZOS)
    # Without the noise of rounding, which would differ between machines where a picture has one colour.
    return np.round(COSINES @ np.asarray(small, np.float64) @ COSINES.T, 6)


def _above_median(low: np.ndarray) -> str:
    return np.packbits(low > np.median(low)).tobytes().hex()


def hash_bytes(hashes: Sequence[str]) -> np.ndarray:
    """256-bit hashes in hex as an array of shape (photos, 32), uint8."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(hashes), 32)


def hash_distance(first: np.ndarray, second: np.ndarray) -> int:
    """In how many bits two hashes (32,), uint8, differ."""
    return int(np.bitwise_count(first ^ second).sum())


def fingerprint_photos(photos: Mapping[str, PhotoFile], folder: Path, cache: Path) -> tuple[list[Fingerprint], int]:
    """One row of fingerprints.csv per photo, and how many were computed."""
    small = Cache(cache / "thumbnails")
    version = code_version(*MODULES)
    keys = {
        name: cache_key(stage="fingerprints", thumbnail=thumbnails.thumbnail_key(photo.sha256), code=version)
        for name, photo in photos.items()
    }

    def compute(missing: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
        for photo in progress(missing, "fingerprints", "photos"):
            yield photo, orientation_hashes(load_thumbnail(small, photos[photo], folder))

    values, computed = cached(Cache(cache / "fingerprints"), keys, compute)
    return [Fingerprint(photo, **values[photo]) for photo in sorted(values)], computed
