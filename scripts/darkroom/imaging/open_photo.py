"""The one function that opens photos, everywhere: upright, sRGB, 8-bit RGB, without a trace of their metadata."""

import os
import re
import stat
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pi_heif
from PIL import Image, UnidentifiedImageError

from darkroom.errors import UserError, lacks_memory
from darkroom.imaging import camera_raw, exif, photo_error, srgb
from darkroom.imaging.camera_raw import RAW, RAW_SUFFIXES, develop, holds_camera_raw, is_camera_raw, may_be_camera_raw
from darkroom.imaging.exif import capture_time, exif_of, turned_upright, upright_size
from darkroom.imaging.photo_error import OVERWRITTEN, PhotoError, check_size, damaged
from darkroom.imaging.srgb import plain_rgb
from darkroom.photo_folder.path_text import found_path
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_open

# The limit is ours to check, in words and before decoding; Pillow's own would speak up first.
Image.MAX_IMAGE_PIXELS = None
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

# What a result made from opened photos depends on: for `code_version`.
MODULES = (sys.modules[__name__], srgb, camera_raw, exif, photo_error)
PLAIN_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
# AVIF comes before HEIF: both look at a file that only says that it is one of the two.
FORMATS = (*PLAIN_FORMATS, "AVIF", "HEIF")
PLAIN_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
PHOTO_SUFFIXES = (*PLAIN_SUFFIXES, ".heic", ".heif", ".hif", ".avif")
STORED_SIZE = re.compile(rb"ispe\0{4}(.{8})", flags=re.DOTALL)  # ISO/IEC 23008-12, 6.5.3
LONGEST_BOXES = 1 << 20
HDR_CURVES = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273
# Luminance quantisation table of the JPEG standard (ITU-T T.81, annex K.1), summed: libjpeg scales it by quality.
STANDARD_TABLE_SUM = 3688


@dataclass(frozen=True)
class OpenedPhoto:
    """A photo as everything in Darkroom sees it.

    `picture` is RGB, 8 bit, sRGB, upright, and carries no metadata; `size` is the photo's (width, height) in pixels,
    upright, which are the picture's unless it was asked for smaller. `taken_at` is the camera's local time as ISO 8601
    with sub-seconds where the camera wrote them, else empty. `jpeg_quality` is the quality (1 to 100) at which libjpeg
    would write the file's quantisation table, None for other formats. `file_bytes` is the size of the file.
    """

    picture: Image.Image
    size: tuple[int, int]
    format: str
    taken_at: str
    jpeg_quality: int | None
    file_bytes: int = 0


def open_photo(
    path: Path, max_megapixels: float | None = None, enough: int | None = None, sha256: str = ""
) -> OpenedPhoto:
    """Open and decode a photo: JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF or camera raw, by its bytes alone.

    Of several pictures in a file the first; the orientation is applied, an embedded ICC profile converted to sRGB,
    more bits reduced to 8, transparency laid over neutral grey. `max_megapixels` is checked before decoding; the
    survey does so, and later stages only open what passed it. Where a longer side of `enough` pixels is enough, a JPEG
    is decoded at 1/2, 1/4 or 1/8 of its size, all of its bytes read all the same.

    Raises PhotoError for every file that cannot be used, whatever is wrong with it; also for one that does not hold the
    bytes of `sha256`, where that is given, because what is found out is filed under it.
    """
    try:
        # Should a pipe have taken the file's place, opening it would wait for ever without O_NONBLOCK.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PhotoError("unreadable", "no file any more", passing=True)
            found = _opened_or_refused(file, path.suffix.lower(), max_megapixels, enough)
            # Hashed after it was decoded, so that what was written meanwhile is noticed, too.
            if sha256 and sha256_open(file) != sha256:
                raise PhotoError("unreadable", OVERWRITTEN, passing=True)
            file_bytes = os.fstat(file.fileno()).st_size
    except OSError as error:
        if lacks_memory(error):
            raise
        raise _in_words(error) from None
    if isinstance(found, PhotoError):
        raise found
    return replace(found, file_bytes=file_bytes)


def surveyed_photo(folder: Path, photo: PhotoFile, enough: int | None = None) -> OpenedPhoto:
    """Open a photo that the survey found readable; `enough` as in `open_photo`.

    Raises UserError where it has gone or holds other bytes now.
    """
    try:
        return open_photo(found_path(folder, photo.path), enough=enough, sha256=photo.sha256)
    except PhotoError as error:
        path = folder / photo.path
        raise UserError(f"{path}: {error.reason}; put back what was there before, or start again") from error


def _opened_or_refused(
    file: BinaryIO, suffix: str, max_megapixels: float | None, enough: int | None
) -> OpenedPhoto | PhotoError:
    """Decoders raise anything at all on damaged bytes; one file must not stop the others."""
    try:
        return _opened(file, suffix, max_megapixels, enough)
    except Exception as error:
        if lacks_memory(error):
            raise
        return _in_words(error)


def _in_words(error: Exception) -> PhotoError:
    if isinstance(error, PhotoError):
        return error
    if isinstance(error, PermissionError):
        return PhotoError("unreadable", "no permission to read the file", passing=True)
    if isinstance(error, OSError) and error.errno is not None:
        return PhotoError("unreadable", f"the file cannot be read ({error.strerror})", passing=True)
    return damaged(error)


def _opened(file: BinaryIO, suffix: str, max_megapixels: float | None, enough: int | None) -> OpenedPhoto:
    head = file.read(32)
    if is_camera_raw(head):
        return _developed(file, max_megapixels)
    try:
        file.seek(0)
        with Image.open(file, formats=FORMATS) as image:
            if image.format in ("HEIF", "AVIF"):
                _check_stored_sizes(file, max_megapixels)
            if not holds_camera_raw(image, file):
                return _decoded(image, max_megapixels, enough)
    except UnidentifiedImageError:
        if not may_be_camera_raw(head):
            raise _not_a_picture(head, suffix) from None
    return _developed(file, max_megapixels)


def _decoded(image: Image.Image, max_megapixels: float | None, enough: int | None) -> OpenedPhoto:
    check_size(image.width, image.height, max_megapixels)
    stored = image.size
    if enough is not None:
        shrink = max(1, max(stored) // enough)
        image.draft(None, (stored[0] // shrink, stored[1] // shrink))
    quality = _jpeg_quality(image)
    image_format = "JPEG" if image.format == "MPO" else str(image.format)
    curve = image.info.get("nclx_profile", {}).get("transfer_characteristics")
    if curve in HDR_CURVES and "icc_profile" not in image.info:
        raise PhotoError("unsupported", f"HDR colours ({HDR_CURVES[curve]}); export it as JPEG, PNG or TIFF")
    # Loading a TIFF turns it and forgets; the metadata of a PNG may come last, and asking for them loads it.
    taken_at = capture_time(exif_of(image)) if image.format == "TIFF" else ""
    image.load()
    tags = exif_of(image)
    picture = turned_upright(plain_rgb(image), tags)
    # Only JPEGs are decoded smaller, and they are turned by their EXIF block alone.
    size = picture.size if enough is None or image_format != "JPEG" else upright_size(stored, tags)
    return OpenedPhoto(picture, size, image_format, taken_at or capture_time(tags), quality)


def _check_stored_sizes(file: BinaryIO, max_megapixels: float | None) -> None:
    """Check the sizes of what HEIC and AVIF decode (`ispe` boxes) before they crop it or put it together."""
    file.seek(0)
    for found in STORED_SIZE.finditer(file.read(LONGEST_BOXES)):
        width, height = struct.unpack(">II", found[1])
        check_size(width, height, max_megapixels)


def _developed(file: BinaryIO, max_megapixels: float | None) -> OpenedPhoto:
    file.seek(0)
    picture, taken_at = develop(file, max_megapixels)
    return OpenedPhoto(picture, picture.size, RAW, taken_at, None)


def _not_a_picture(head: bytes, suffix: str) -> PhotoError:
    """Say why bytes that no decoder knows are not a photo."""
    if suffix not in (*PHOTO_SUFFIXES, *RAW_SUFFIXES):
        return PhotoError("unsupported", "not a picture, or of a kind that is not read")
    if not head:
        return PhotoError("unreadable", "the file is empty")
    return PhotoError("unreadable", f"damaged or not a picture, although its name ends in {suffix}")


def _jpeg_quality(image: Image.Image) -> int | None:
    """The libjpeg quality whose luminance table has the file's sum (inverse of jpeg_quality_scaling), or None."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    scale = 100 * sum(tables[min(tables)]) / STANDARD_TABLE_SUM
    quality = 5000 / scale if scale > 100 else (200 - scale) / 2
    return int(min(100, max(1, round(quality))))
