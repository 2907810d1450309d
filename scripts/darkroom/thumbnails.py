"""Small copies of photos, made once and kept in the cache, for everything that does not need every pixel."""

import io
import sys
from pathlib import Path

from PIL import Image

from darkroom import open_photo as opening
from darkroom.cache import Cache, cache_key, code_version
from darkroom.open_photo import open_photo

SIDE = 512


def thumbnail_key(sha256: str) -> str:
    """The cache key of a photo's thumbnail."""
    return cache_key(stage="thumbnail", photo=sha256, side=SIDE, code=code_version(opening, sys.modules[__name__]))


def store_thumbnail(cache: Cache, sha256: str, picture: Image.Image) -> Image.Image:
    """Reduce an opened picture to SIDE pixels at its longer side, keep it as a JPEG and return what was kept."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=92, subsampling=0)
    cache.store_bytes(thumbnail_key(sha256), ".jpg", data.getvalue())
    return Image.open(data).convert("RGB")


def load_thumbnail(cache: Cache, sha256: str, path: Path) -> Image.Image:
    """The thumbnail of a photo from the cache, made anew from `path` where it is missing.

    Raises PhotoError where it must be made anew and the photo cannot be opened any more.
    """
    data = cache.load_bytes(thumbnail_key(sha256), ".jpg")
    if data is not None:
        return Image.open(io.BytesIO(data)).convert("RGB")
    return store_thumbnail(cache, sha256, open_photo(path).picture)
