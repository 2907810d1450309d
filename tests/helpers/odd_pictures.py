"""Good photos of every format, orientation and kind of pixels, and what they look like when opened."""

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from icc_profiles import ADOBE_RGB, DISPLAY_P3, cmyk_profile, rgb_profile
from PIL import Image, ImageCms
from tiny_dng import grey_dng, tiny_dng

HEIC = Path(__file__).parent / "heic"  # written once by pillow-heif, whose encoder is no dependency
PLACE = "SECRET-PLACE"
RED, BLUE, GREEN = (200, 30, 40), (20, 60, 210), (20, 200, 40)
# What to do to an upright picture so that the EXIF orientation turns it upright again.
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
LOSSLESS: dict[str, dict[str, object]] = {
    "png": {},
    "tif": {},
    "webp": {"lossless": True},
    # Every 8 x 8 block has one colour, which JPEG keeps but for a rounding.
    "jpg": {"quality": 100, "subsampling": 0},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
}


@dataclass(frozen=True)
class Expected:
    """The status of a file, words of its reason, and for good ones the picture and how far a level may be off."""

    status: str
    words: str = ""
    picture: Image.Image | None = None
    tolerance: int = 0


Folder = dict[str, Expected]


def halves(width: int = 48, height: int = 32) -> Image.Image:
    """Red on the left, blue on the right, green at the top left, so that no two orientations look alike."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    picture.paste(GREEN, (0, 0, width // 6, height // 4))
    return picture


def exif(orientation: int = 1) -> Image.Exif:
    """A block with orientation, capture time and a position."""
    block = Image.Exif()
    block.update({0x010F: "Maker", 0x0112: orientation})
    block.get_ifd(0x8769).update({0x9003: "2024:05:04 10:30:11", 0x9291: "548"})
    block.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 1.0), 18: PLACE})
    return block


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """An image as the bytes of a file."""
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def oriented(folder: Path, found: Folder) -> None:
    """The eight orientations of every format, DNG among them."""
    raw = halves(192, 128)
    for number in range(1, 9):
        for suffix, options in LOSSLESS.items():
            stored = halves().transpose(UNDO[number]) if number > 1 else halves()
            stored.save(folder / f"turned-{number}.{suffix}", exif=exif(number).tobytes(), **options)
            found[f"turned-{number}.{suffix}"] = Expected("ok", "", halves(), 2 if suffix in ("jpg", "avif") else 0)
        name = f"turned-{number}.heic"
        (folder / name).write_bytes((HEIC / f"orientation-{number}.heic").read_bytes())
        found[name] = Expected("ok", "", halves())
        stored = raw.transpose(UNDO[number]) if number > 1 else raw
        (folder / f"turned-{number}.dng").write_bytes(tiny_dng(np.asarray(stored), number))
        found[f"turned-{number}.dng"] = Expected("ok", "", raw)


def odd_pixels(folder: Path, found: Folder) -> None:
    """Good photos of unusual pixels and profiles."""
    ramp = np.linspace(0, 65535, 32 * 16).reshape(16, 32).astype(np.uint16)
    grey = Image.fromarray((ramp / 257).round().astype(np.uint8)).convert("RGB")
    deep = np.asarray(halves()).astype(np.uint16)[..., ::-1] * 257
    clear = halves().convert("RGBA")
    clear.paste((9, 9, 9, 0), (24, 0, 48, 32))
    over_grey = halves()
    over_grey.paste((128, 128, 128), (24, 0, 48, 32))
    light = halves().convert("L")
    with_alpha = light.convert("LA")
    with_alpha.putalpha(clear.getchannel("A"))
    light_over_grey = light.convert("RGB")
    light_over_grey.paste((128, 128, 128), (24, 0, 48, 32))
    press = Image.new("CMYK", (48, 32), (200, 100, 50, 0))
    press.paste((0, 0, 0, 255), (24, 0, 48, 32))
    black_half = Image.new("RGB", (48, 32), "white")
    black_half.paste("black", (24, 0, 48, 32))
    naive = halves().convert("CMYK")
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8))
    files: dict[str, tuple[bytes, Image.Image | None, int]] = {
        "grey-16.png": (encoded(Image.fromarray(ramp), "PNG"), grey, 0),
        "grey-16.tif": (encoded(Image.fromarray(ramp), "TIFF"), grey, 0),
        "grey-16-big-endian.tif": (_big_endian(ramp), grey, 0),
        "rgb-16.png": (cv2.imencode(".png", deep)[1].tobytes(), halves(), 0),
        "rgb-16.tif": (cv2.imencode(".tif", deep)[1].tobytes(), halves(), 0),
        "one-bit.png": (encoded(black_half.convert("1"), "PNG"), black_half, 0),
        "grey.png": (encoded(light, "PNG"), light.convert("RGB"), 0),
        "alpha.png": (encoded(clear, "PNG"), over_grey, 0),
        "grey-alpha.png": (encoded(with_alpha, "PNG"), light_over_grey, 0),
        "palette.png": (encoded(halves().quantize(8), "PNG"), halves(), 1),
        "palette.gif": (encoded(halves().quantize(8), "GIF"), halves(), 1),
        "palette-alpha.png": (encoded(clear.quantize(8), "PNG"), over_grey, 1),
        "alpha.webp": (encoded(clear, "WEBP", lossless=True, exact=True), over_grey, 0),
        "bitmap.bmp": (encoded(halves(), "BMP"), halves(), 0),
        "cmyk.tif": (encoded(naive, "TIFF"), halves(), 0),
        "cmyk-inverted-by-adobe.jpg": (encoded(naive, "JPEG", quality=100), halves(), 3),
        "cmyk-of-a-press.tif": (encoded(press, "TIFF", icc_profile=cmyk_profile()), black_half, 0),
        "cmyk-of-a-press.jpg": (encoded(press, "JPEG", quality=100, icc_profile=cmyk_profile()), black_half, 2),
        "lab.tif": (encoded(ImageCms.profileToProfile(halves(), srgb, lab, outputMode="LAB"), "TIFF"), halves(), 6),
        "display-p3.png": (encoded(halves(), "PNG", icc_profile=rgb_profile(DISPLAY_P3)), None, 0),
        "adobe-rgb.jpg": (encoded(halves(), "JPEG", quality=100, icc_profile=rgb_profile(ADOBE_RGB)), None, 0),
        "broken-profile.png": (encoded(halves(), "PNG", icc_profile=b"no profile"), halves(), 0),
        "profile-of-other-colours.png": (encoded(halves(), "PNG", icc_profile=cmyk_profile()), halves(), 0),
        "broken-exif.png": (encoded(halves(), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff no"), halves(), 0),
        "orientation-9.png": (encoded(halves(), "PNG", exif=exif(9)), halves(), 0),
        "animated.gif": (_frames("GIF"), halves(), 1),
        "animated.webp": (_frames("WEBP", lossless=True), halves(), 0),
        "animated.png": (_frames("PNG"), halves(), 0),
        "pages.tif": (_frames("TIFF"), halves(), 0),
        "stereo.mpo": (_frames("MPO", quality=100, subsampling=0), halves(), 2),
        "noise.avif": (encoded(noise, "AVIF", quality=100, subsampling="4:4:4"), noise, 3),
        "a-png-named.jpg": (encoded(halves(), "PNG", compress_level=1), halves(), 0),
        "a-heic-named.png": ((HEIC / "orientation-1.heic").read_bytes() + b"\0", halves(), 0),
        "a-webp-named.nef": (encoded(halves(), "WEBP", lossless=True, quality=1), halves(), 0),
        "a-dng-named.tif": (tiny_dng(np.asarray(halves(192, 128))) + b"\0", halves(192, 128), 0),
        "without-colours.dng": (grey_dng(np.asarray(light)), light.convert("RGB"), 0),
        "no-suffix": (encoded(halves(), "PNG", compress_level=2), halves(), 0),
        "UPPER.PNG": (encoded(halves(), "PNG", compress_level=3), halves(), 0),
        "UPPER.DNG": (tiny_dng(np.asarray(halves(192, 128))) + b"\0\0", halves(192, 128), 0),
    }
    for name, (data, picture, tolerance) in files.items():
        (folder / name).write_bytes(data)
        found[name] = Expected("ok", "", picture, tolerance)


def _big_endian(levels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    height, width = levels.shape
    tags = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: levels.nbytes}
    directory = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = struct.pack(">I", 8 + levels.nbytes)
    return b"MM\0*" + start + levels.astype(">u2").tobytes() + struct.pack(">H", len(tags)) + directory + bytes(4)


def _frames(form: str, **options: object) -> bytes:
    """A file of two pictures, of which the first is the photo."""
    others = [Image.new("RGB", (48, 32), "yellow")]
    return encoded(halves(), form, save_all=True, append_images=others, **options)
