"""Makes renders look like files from a camera: sensor noise, colour profile, EXIF, and the faults of real photos."""

import io
import struct
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from PIL import Image, ImageCms, ImageFilter

SIDEWAYS = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # EXIF orientation: how pixels are stored
P3_PRIMARIES = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))  # XYZ under D50
D50 = (0.9642, 1.0, 0.8249)


@dataclass(frozen=True)
class Exposure:
    """How one picture is taken and stored."""

    taken_at: datetime
    orientation: int = 1
    wide_gamut: bool = False
    quality: int = 88
    noise: float = 2.0  # standard deviation in 8-bit steps


def add_noise(picture: Image.Image, strength: float, seed: int) -> Image.Image:
    """Sensor noise of `strength` 8-bit steps, a little stronger in the shadows."""
    values = np.asarray(picture, dtype=np.float32)
    noise = np.random.default_rng(seed).standard_normal(values.shape, dtype=np.float32)
    return Image.fromarray(np.clip(values + strength * noise * (1.4 - values / 400), 0, 255).round().astype(np.uint8))


def out_of_focus(picture: Image.Image, share: float = 0.02) -> Image.Image:
    """Blurred by a radius that is `share` of the shorter side."""
    return picture.filter(ImageFilter.GaussianBlur(share * min(picture.size)))


def shaken(picture: Image.Image, share: float = 0.07) -> Image.Image:
    """Moved sideways during exposure by `share` of the width."""
    values = np.asarray(picture, dtype=np.float32)
    steps = max(2, round(share * picture.width))
    padded = np.pad(values, ((0, 0), (steps, 0), (0, 0)), mode="edge")
    moved = np.mean([padded[:, step : step + picture.width] for step in range(steps)], axis=0)
    return Image.fromarray(moved.round().astype(np.uint8))


def underexposed(picture: Image.Image, factor: float = 0.07) -> Image.Image:
    """Much too dark."""
    return picture.point(lambda value: value * factor)


def jpeg_bytes(picture: Image.Image, exposure: Exposure) -> bytes:
    """A camera's JPEG file: profile, orientation and times written, pixels stored sideways if it says so."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Darkroom", "Pocket camera", exposure.orientation
    times = exif.get_ifd(0x8769)
    times[0x9003] = times[0x9004] = exposure.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    times[0x9291] = times[0x9292] = f"{exposure.taken_at.microsecond // 1000:03d}"
    extra = {}
    if exposure.wide_gamut:
        profile = wide_gamut_profile()
        source, target = ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile))
        picture = ImageCms.profileToProfile(picture, source, target) or picture
        extra["icc_profile"] = profile
    if exposure.orientation in SIDEWAYS:
        picture = picture.transpose(SIDEWAYS[exposure.orientation])
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=exposure.quality, exif=exif, **extra)
    return file.getvalue()


def wide_gamut_profile() -> bytes:
    """A minimal ICC profile (version 2, matrix and gamma 2.2) with Display P3's primaries."""
    text = b"Wide gamut of the pocket camera"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 78),
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"wtpt": xyz_tag(D50),
        b"rXYZ": xyz_tag(P3_PRIMARIES[0]),
        b"gXYZ": xyz_tag(P3_PRIMARIES[1]),
        b"bXYZ": xyz_tag(P3_PRIMARIES[2]),
    }
    tags |= {name: b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) for name in (b"rTRC", b"gTRC", b"bTRC")}
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(D50)
    return header.ljust(128, b"\0") + table + body


def fixed(values: tuple[float, float, float]) -> bytes:
    return struct.pack(">3i", *(round(value * 65536) for value in values))


def xyz_tag(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + fixed(values)
