"""Perceptual hashes of photos under the eight ways in which a picture can lie."""

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from darkroom import thumbnails
from darkroom.cache import Cache, cache_key, code_version, remember
from darkroom.photos.local_features import grey_levels, remembered_features
from darkroom.progress import progress
from darkroom.tables import Row
from darkroom.thumbnails import load_thumbnail

HASH_SIZE = 16
# imagehash's phash looks at a picture of this side.
SEEN_SIDE = 4 * HASH_SIZE
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
COLUMNS = ("photo", *ORIENTATIONS)


def turn(picture: Image.Image, orientation: str) -> Image.Image:
    """The picture in one of the ORIENTATIONS."""
    for step in ORIENTATIONS[orientation]:
        picture = picture.transpose(step)
    return picture


def orientation_hashes(picture: Image.Image) -> dict[str, str]:
    """256-bit perceptual hashes (imagehash.phash, 64 hex digits) of a picture in all ORIENTATIONS.

    The picture is reduced once and turned afterwards: the hash sees only a square of SEEN_SIDE pixels.
    """
    import imagehash  # here, because it loads SciPy: a stage whose results are all remembered starts without it

    small = picture.convert("L").resize((SEEN_SIDE, SEEN_SIDE), Image.Resampling.LANCZOS)
    return {name: str(imagehash.phash(turn(small, name), hash_size=HASH_SIZE)) for name in ORIENTATIONS}


def fingerprint_photos(photos: Sequence[Row], folder: Path, cache: Path) -> tuple[list[dict[str, str]], int]:
    """One row of fingerprints.csv per readable photo, and how many were computed. `photos` are rows of photos.csv.

    Their local features are kept in the cache, for `group_duplicates`.
    """
    rows = {row["photo"]: row for row in photos if row["status"] == "ok"}
    small, features = Cache(cache / "thumbnails"), Cache(cache / "features")
    version = code_version(thumbnails, sys.modules[__name__])
    keys = {
        photo: cache_key(stage="fingerprints", thumbnail=thumbnails.thumbnail_key(row["sha256"]), code=version)
        for photo, row in rows.items()
    }

    def compute(missing: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
        for photo in progress(missing, "fingerprints", "photos"):
            row = rows[photo]
            thumbnail = load_thumbnail(small, row, folder)
            remembered_features(features, row["sha256"], partial(grey_levels, thumbnail))
            yield photo, orientation_hashes(thumbnail)

    values, computed = remember(Cache(cache / "fingerprints"), keys, compute)
    return [{"photo": photo, **values[photo]} for photo in sorted(values)], computed
