"""Pixels of any kind as 8-bit sRGB: deep, grey, palette, CMYK, Lab, transparent, with or without a profile."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from darkroom.imaging.photo_error import PhotoError

NEUTRAL = (128, 128, 128)
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # tags of TIFF
WHITE_IS_ZERO = 0


def plain_rgb(image: Image.Image) -> Image.Image:
    """A loaded image as 8-bit sRGB over neutral grey: a new picture without metadata.

    An embedded profile is converted; a missing, broken or mismatched one means sRGB. Raises PhotoError for pixels of
    which nobody knows what is white.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "F" or image.mode == "I":
        kind = "floating-point" if image.mode == "F" else "32-bit whole-number"
        raise PhotoError("unsupported", f"{kind} pixels; export it with 8 or 16 bits")
    if image.mode.startswith("I;"):
        image = _eight_bits(image)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        alpha = with_alpha.getchannel("A")
        image = image.convert("L") if image.mode == "LA" else with_alpha.convert("RGB")
    picture = _to_srgb(image, profile)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, NEUTRAL), alpha)
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    return plain


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 12 or 16 bits, rounded to 8."""
    tags: Any = getattr(image, "tag_v2", {})
    white = 2 ** int(tags.get(BITS_PER_SAMPLE, (16,))[0]) - 1
    levels = np.asarray(image).astype(np.float32) * np.float32(255 / white)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        levels = 255 - levels
    return Image.fromarray(np.clip(levels.round(), 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "1":
        image = image.convert("L")
    try:
        if image.mode == "LAB":
            return _converted(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
        if profile:
            return _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        pass
    return image.convert("RGB")


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """Relative colorimetric, with black point. A profile that is sRGB itself, whatever its name, changes no pixel."""
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        image.mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if image.mode == "RGB":
        steps = np.arange(0, 256, 15, dtype=np.uint8)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        seen = np.asarray(ImageCms.applyTransform(Image.fromarray(probe), transform))
        if np.abs(seen.astype(int) - probe).max() <= 2:
            return image
    converted = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if converted is None else converted
