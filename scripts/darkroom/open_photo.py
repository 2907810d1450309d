"""The one function that opens photos, everywhere: upright, sRGB, 8-bit RGB, without a trace of their metadata."""

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from darkroom.errors import lacks_memory

# The limit is ours to check, in words and before decoding; Pillow's own would speak up first.
Image.MAX_IMAGE_PIXELS = None

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
# Many of these are TIFF inside: Pillow would open their thumbnail and call it the photo.
RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".nef", ".nrw"),
    *(".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srw", ".x3f"),
)
NOT_YET_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF", b"avis": "AVIF"}
NEUTRAL = (128, 128, 128)
# Luminance quantisation table of the JPEG standard (ITU-T T.81, annex K.1), summed: libjpeg scales it by quality.
STANDARD_TABLE_SUM = 3688


class PhotoError(Exception):
    """A file that is no photo for us: its status (`unreadable` or `unsupported`) and the reason in words.

    `passing` where its bytes could not be read: another time they may be.
    """

    def __init__(self, status: Literal["unreadable", "unsupported"], reason: str, passing: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.passing = passing


@dataclass(frozen=True)
class OpenedPhoto:
    """A photo as everything in Darkroom sees it.

    `picture` is RGB, 8 bit, sRGB, upright, and carries no metadata. `taken_at` is the camera's local time as ISO 8601
    with sub-seconds where the camera wrote them, else empty. `jpeg_quality` is the quality (1 to 100) at which libjpeg
    would write the file's quantisation table, None for other formats.
    """

    picture: Image.Image
    format: str
    taken_at: str
    jpeg_quality: int | None

    @property
    def width(self) -> int:
        """Width in pixels, orientation applied."""
        return self.picture.width

    @property
    def height(self) -> int:
        """Height in pixels, orientation applied."""
        return self.picture.height


def open_photo(path: Path, max_megapixels: float | None = None) -> OpenedPhoto:
    """Open and decode a photo.

    JPEG, PNG, WebP, TIFF, BMP and GIF (the first frame); the EXIF orientation is applied, an embedded ICC profile
    converted to sRGB, 16 bit reduced to 8, transparency laid over neutral grey. `max_megapixels` is checked before
    decoding; the survey does so, and later stages only open what passed it.

    Raises PhotoError for every file that cannot be used, whatever is wrong with it.
    """
    data = _read(path)
    suffix = path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        raise PhotoError("unsupported", "camera raw is not read; export it as JPEG, PNG or TIFF")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image, max_megapixels)
            taken_at = _capture_time(image)
            quality = _jpeg_quality(image)
            image_format = "JPEG" if image.format == "MPO" else str(image.format)
            image.load()
            picture = _plain_rgb(_upright(image), image.info.get("icc_profile"))
    except PhotoError:
        raise
    except UnidentifiedImageError:
        raise _not_a_picture(data, suffix) from None
    except Exception as error:  # Decoders raise anything at all on damaged bytes; one file must not stop the others.
        if lacks_memory(error):
            raise
        raise PhotoError("unreadable", f"damaged or truncated picture ({_one_line(error)})") from error
    return OpenedPhoto(picture, image_format, taken_at, quality)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        raise PhotoError("unreadable", "no permission to read the file", passing=True) from None
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror or type(error).__name__})"
        raise PhotoError("unreadable", reason, passing=True) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _not_a_picture(data: bytes, suffix: str) -> PhotoError:
    """Say why bytes that no decoder knows are not a photo."""
    named = NOT_YET_BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None
    if named:
        return PhotoError("unsupported", f"{named} is not read; convert it to JPEG, PNG or TIFF")
    if suffix not in PHOTO_SUFFIXES:
        return PhotoError("unsupported", "not a picture")
    if not data:
        return PhotoError("unreadable", "the file is empty")
    return PhotoError("unreadable", f"not a picture, although its name ends in {suffix}")


def _check_size(image: Image.Image, max_megapixels: float | None) -> None:
    megapixels = image.width * image.height / 1e6
    if max_megapixels is not None and megapixels > max_megapixels:
        raise PhotoError("unsupported", f"{megapixels:.0f} megapixels are more than the limit of {max_megapixels:g}")


def _capture_time(image: Image.Image) -> str:
    """When the shutter opened, by EXIF DateTimeOriginal (or Digitized) and its sub-seconds; empty where unknown."""
    try:
        tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
        for time_tag, fraction_tag in (
            (ExifTags.Base.DateTimeOriginal, ExifTags.Base.SubsecTimeOriginal),
            (ExifTags.Base.DateTimeDigitized, ExifTags.Base.SubsecTimeDigitized),
        ):
            text = str(tags.get(time_tag, "")).strip("\0 ")
            if text:
                digits = str(tags.get(fraction_tag, "")).strip("\0 ")
                fraction = f".{digits[:6]}" if digits.isdecimal() and digits.isascii() else ""
                return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").isoformat() + fraction
    except Exception:  # A broken EXIF block says nothing about the pixels.
        return ""
    return ""


def _jpeg_quality(image: Image.Image) -> int | None:
    """The libjpeg quality whose luminance table has the file's sum (inverse of jpeg_quality_scaling), or None."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    scale = 100 * sum(tables[min(tables)]) / STANDARD_TABLE_SUM
    quality = 5000 / scale if scale > 100 else (200 - scale) / 2
    return int(min(100, max(1, round(quality))))


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a broken EXIF block says nothing about the pixels."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:
        return image


def _plain_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """8-bit sRGB over neutral grey, as a new picture without metadata."""
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        image = Image.fromarray((np.clip(levels, 0, 65535) / 257).round().astype(np.uint8))
    if image.mode == "F":
        raise PhotoError("unsupported", "floating-point pixels; export it with 8 or 16 bits")
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        alpha = with_alpha.getchannel("A")
        image = image.convert("L") if image.mode == "LA" else with_alpha.convert("RGB")
    picture = _to_srgb(image, profile)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, NEUTRAL), alpha)
    return Image.frombytes("RGB", picture.size, picture.tobytes())


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert by the embedded profile; a missing, broken or mismatched profile means sRGB."""
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        converted = ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return image.convert("RGB") if converted is None else converted
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")
