"""The smallest DNG that LibRaw develops: uncompressed 16-bit RGGB, from a camera that sees linear sRGB."""

import struct

import numpy as np
from numpy.typing import NDArray

Tag = tuple[int, int, bytes]  # type, count, values
# CIE XYZ to linear sRGB (IEC 61966-2-1): what the camera is said to see.
MATRIX = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)


def _ascii(text: str) -> Tag:
    return 2, len(text) + 1, text.encode() + b"\0"


def _bytes(*values: int) -> Tag:
    return 1, len(values), bytes(values)


def _shorts(*values: int) -> Tag:
    return 3, len(values), struct.pack(f"<{len(values)}H", *values)


def _longs(*values: int) -> Tag:
    return 4, len(values), struct.pack(f"<{len(values)}I", *values)


def _fractions(kind: int, *values: float) -> Tag:
    numbers = [number for value in values for number in (round(value * 10000), 10000)]
    return kind, len(values), struct.pack(f"<{len(numbers)}{'I' if kind == 5 else 'i'}", *numbers)


def _directory(tags: dict[int, Tag], offset: int) -> bytes:
    head, tail = struct.pack("<H", len(tags)), b""
    for tag, (kind, count, data) in sorted(tags.items()):
        place = offset + 2 + 12 * len(tags) + 4 + len(tail)
        if len(data) <= 4:
            value = data.ljust(4, b"\0")
        else:
            value = struct.pack("<I", place)
            tail += data + b"\0" * (len(data) % 2)
        head += struct.pack("<HHI", tag, kind, count) + value
    return head + bytes(4) + tail


def _light(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    share = picture / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def mosaic(picture: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """An sRGB picture of shape (height, width, 3) as the RGGB sensor saw it, linear, 16 bits."""
    linear = _light(picture)
    sensor = linear[..., 1].copy()
    sensor[0::2, 0::2] = linear[0::2, 0::2, 0]
    sensor[1::2, 1::2] = linear[1::2, 1::2, 2]
    return (sensor * 65535).round().astype(np.uint16)


def tiny_dng(
    picture: NDArray[np.uint8], orientation: int = 1, compression: int = 1, claimed: tuple[int, int] | None = None
) -> bytes:
    """A DNG of an sRGB picture, its first directory a white preview of 16 x 16 as cameras write it.

    `compression` and `claimed`, width and height, are only said in the tags, to make a file that cannot be read.
    """
    data = mosaic(picture).tobytes()
    width, height = claimed or (picture.shape[1], picture.shape[0])
    preview = b"\xff" * (16 * 16 * 3)
    exif = {36867: _ascii("2024:05:04 10:30:11"), 37521: _ascii("25")}
    sensor: dict[int, Tag] = {
        **{254: _longs(0), 256: _longs(width), 257: _longs(height), 258: _shorts(16), 259: _shorts(compression)},
        **{262: _shorts(32803), 273: _longs(0), 277: _shorts(1), 278: _longs(height), 279: _longs(len(data))},
        **{284: _shorts(1), 33421: _shorts(2, 2), 33422: _bytes(0, 1, 1, 2), 50714: _shorts(0), 50717: _longs(65535)},
    }
    first: dict[int, Tag] = {
        **{254: _longs(1), 256: _longs(16), 257: _longs(16), 258: _shorts(8, 8, 8), 259: _shorts(1), 262: _shorts(2)},
        **{271: _ascii("Maker"), 272: _ascii("Camera"), 273: _longs(0), 274: _shorts(orientation), 277: _shorts(3)},
        **{278: _longs(16), 279: _longs(len(preview)), 284: _shorts(1), 330: _longs(0), 34665: _longs(0)},
        **{50706: _bytes(1, 4, 0, 0), 50707: _bytes(1, 1, 0, 0), 50708: _ascii("Maker Camera")},
        **{50721: _fractions(10, *MATRIX), 50728: _fractions(5, 1, 1, 1), 50778: _shorts(21)},
    }
    places = [8]
    for part in (_directory(first, 0), _directory(sensor, 0), _directory(exif, 0), preview):
        places.append(places[-1] + len(part))
    first |= {330: _longs(places[1]), 34665: _longs(places[2]), 273: _longs(places[3])}
    sensor[273] = _longs(places[4])
    parts = (_directory(first, places[0]), _directory(sensor, places[1]), _directory(exif, places[2]), preview, data)
    return b"II*\0" + struct.pack("<I", 8) + b"".join(parts)


def grey_dng(picture: NDArray[np.uint8]) -> bytes:
    """The DNG of a camera without colour filters; the picture has the shape (height, width)."""
    height, width = picture.shape
    data = (_light(picture) * 65535).round().astype("<u2").tobytes()
    tags: dict[int, Tag] = {
        **{254: _longs(0), 256: _longs(width), 257: _longs(height), 258: _shorts(16), 259: _shorts(1)},
        **{262: _shorts(34892), 271: _ascii("Maker"), 272: _ascii("Camera"), 273: _longs(0), 274: _shorts(1)},
        **{277: _shorts(1), 278: _longs(height), 279: _longs(len(data)), 284: _shorts(1)},
        **{50706: _bytes(1, 4, 0, 0), 50708: _ascii("Maker Camera"), 50714: _shorts(0), 50717: _longs(65535)},
    }
    tags[273] = _longs(8 + len(_directory(tags, 8)))
    return b"II*\0" + struct.pack("<I", 8) + _directory(tags, 8) + data
