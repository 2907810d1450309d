"""Small copies of photos, made once and kept in the cache, for everything that does not need every pixel."""

import io
import sys
from pathlib import Path

from PIL import Image

from darkroom.imaging import open_photo as opening
from darkroom.imaging.open_photo import surveyed_photo
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key
from darkroom.storage.code_version import code_version

SIDE = 512
# A JPEG decoded to a fraction of its size is taken as it is from this side on: for 12 megapixels 500 pixels.
ENOUGH = 448
END_OF_JPEG = b"\xff\xd9"
# What decides a thumbnail: for `code_version`.
MODULES = (*opening.MODULES, sys.modules[__name__])


def thumbnail_key(sha256: str) -> str:
    """The cache key of a photo's thumbnail."""
    return cache_key(stage="thumbnail", photo=sha256, side=SIDE, enough=ENOUGH, code=code_version(*MODULES))


def store_thumbnail(cache: Cache, sha256: str, picture: Image.Image) -> bytes:
    """Reduce an opened picture to SIDE pixels at its longer side, keep it as a JPEG and return that.

    It is not waited for the disk: one that a power loss has damaged does not end as a JPEG does, and is made anew.
    """
    if max(picture.size) > SIDE:
        picture = picture.copy()
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=92, subsampling=0)
    cache.store_bytes(thumbnail_key(sha256), ".jpg", data.getvalue(), sync=False)
    return data.getvalue()


def load_thumbnail(cache: Cache, photo: PhotoFile, folder: Path) -> Image.Image:
    """The thumbnail of a photo from the cache; made anew from its file where it is missing.

    Raises UserError where it must be made anew and the photo cannot be opened any more.
    """
    data = cache.load_bytes(thumbnail_key(photo.sha256), ".jpg")
    if data is None or not data.endswith(END_OF_JPEG):
        data = store_thumbnail(cache, photo.sha256, surveyed_photo(folder, photo, ENOUGH).picture)
    return Image.open(io.BytesIO(data)).convert("RGB")
