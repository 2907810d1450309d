"""What is read of a photo's metadata: which way is up, and when it was taken. Nothing else, above all no position."""

from datetime import datetime

from PIL import ExifTags, Image

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def exif_of(image: Image.Image) -> Image.Exif:
    """The EXIF block of a loaded image; an empty one where it is broken."""
    try:
        return image.getexif()
    except MemoryError:
        raise
    except Exception:
        return Image.Exif()


def upright_size(size: tuple[int, int], exif: Image.Exif) -> tuple[int, int]:
    """The size of a picture once it is turned as its EXIF orientation says."""
    orientation = exif.get(ExifTags.Base.Orientation)
    lying = isinstance(orientation, int) and 5 <= orientation <= 8
    return (size[1], size[0]) if lying else size


def turned_upright(picture: Image.Image, exif: Image.Exif) -> Image.Image:
    """A picture turned as its EXIF orientation says; one that makes no sense says nothing."""
    orientation = exif.get(ExifTags.Base.Orientation)
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def capture_time(exif: Image.Exif) -> str:
    """When the shutter opened, by EXIF DateTimeOriginal (or Digitized) and its sub-seconds; empty where unknown."""
    try:
        tags = exif.get_ifd(ExifTags.IFD.Exif)
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
