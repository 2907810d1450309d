"""Camera raw, developed by LibRaw with fixed parameters: the same file always gives the same picture."""

import io
from typing import Any, BinaryIO

from PIL import Image

from darkroom.imaging.exif import capture_time, exif_of
from darkroom.imaging.photo_error import PhotoError, check_size, damaged

# The format that photos.csv names.
RAW = "RAW"
RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".nef", ".nrw"),
    *(".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srw", ".x3f"),
)
TIFF_HEADS = (b"II*\0", b"MM\0*")
# Makers that changed the first bytes of TIFF.
CHANGED_TIFF_HEADS = (b"IIRO", b"IIRS", b"IIU\0")
OWN_HEADS = (b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR", b"MMOR")
NEW_SUBFILE_TYPE, PHOTOMETRIC, MAKE, SUB_IFDS, DNG_VERSION = 254, 262, 271, 330, 50706  # tags of TIFF
COLOUR_FILTER_ARRAY, LINEAR_RAW = 32803, 34892


def is_camera_raw(head: bytes) -> bool:
    """Whether the first 32 bytes are those of a camera raw that is no plain TIFF inside."""
    return head.startswith((*OWN_HEADS, *CHANGED_TIFF_HEADS)) or head[4:12] == b"ftypcrx " or head[8:10] == b"CR"


def may_be_camera_raw(head: bytes) -> bool:
    """Whether the first 32 bytes are those of a TIFF, as most camera raws are."""
    return head.startswith(TIFF_HEADS)


def holds_camera_raw(image: Image.Image, file: BinaryIO) -> bool:
    """Whether an opened file is a camera raw: a TIFF whose first picture, Pillow's choice, is only the preview."""
    if image.format != "TIFF":
        return False
    tags: Any = getattr(image, "tag_v2", {})
    if DNG_VERSION in tags or tags.get(PHOTOMETRIC) in (COLOUR_FILTER_ARRAY, LINEAR_RAW):
        return True
    reduced = isinstance(tags.get(NEW_SUBFILE_TYPE), int) and tags[NEW_SUBFILE_TYPE] & 1
    if reduced and (SUB_IFDS in tags or getattr(image, "n_frames", 1) > 1):
        return True
    return MAKE in tags and SUB_IFDS in tags and _libraw_reads(file)


def _libraw_reads(file: BinaryIO) -> bool:
    import rawpy

    file.seek(0)
    try:
        with rawpy.imread(io.BytesIO(file.read())):
            return True
    except rawpy.LibRawError:
        return False


def develop(file: BinaryIO, max_megapixels: float | None) -> tuple[Image.Image, str]:
    """The upright sRGB picture of a camera raw, and its capture time as `capture_time` gives it.

    White balance of the camera, no automatic brightness, AHD interpolation. Raises PhotoError: `unsupported` where
    LibRaw does not know the file.
    """
    # Takes a quarter of a second, and most folders hold no raw.
    import rawpy

    data = file.read()
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            check_size(raw.sizes.raw_width, raw.sizes.raw_height, max_megapixels)
            taken_at = _capture_time(data, raw)
            pixels = raw.postprocess(
                demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
                use_camera_wb=True,
                no_auto_bright=True,
                output_color=rawpy.ColorSpace.sRGB,
                output_bps=8,
                gamma=(2.4, 12.92),
            )
    except rawpy.LibRawUnsufficientMemoryError:
        raise MemoryError from None
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError, rawpy.LibRawTooBigError):
        reason = "camera raw of a kind that LibRaw does not read; export it as JPEG, PNG or TIFF"
        raise PhotoError("unsupported", reason) from None
    except rawpy.LibRawError as error:
        raise damaged(error) from error
    # Cameras without colour filters give one channel.
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB"), taken_at


def _capture_time(data: bytes, raw: Any) -> str:
    """By the EXIF of the file, else of its preview, else the second that LibRaw found."""
    return _time_of_tiff(data) or _time_of_preview(raw) or _time_by_libraw(raw)


def _time_of_tiff(data: bytes) -> str:
    if data.startswith(CHANGED_TIFF_HEADS):
        data = TIFF_HEADS[0] + data[4:]
    if not data.startswith(TIFF_HEADS):
        return ""
    exif = Image.Exif()
    try:
        exif.load(data)
    except Exception:  # Broken metadata say nothing about the pixels.
        return ""
    return capture_time(exif)


def _time_of_preview(raw: Any) -> str:
    try:
        with Image.open(io.BytesIO(raw.extract_thumb().data), formats=("JPEG",)) as preview:
            return capture_time(exif_of(preview))
    except Exception:  # There is none, or it is no JPEG.
        return ""


def _time_by_libraw(raw: Any) -> str:
    try:
        time = raw.other.timestamp
    except Exception:
        return ""
    return str(time.isoformat()) if time is not None and time.year > 1970 else ""
