"""The pictures of frames: one transform for a photo and its mask, and what is shown around the subject."""

from hashlib import shake_256

import numpy as np
from PIL import Image, ImageFilter

from darkroom.framing.buckets import Crop
from darkroom.imaging.srgb import NEUTRAL

# The blur of a blurred background, as a share of the frame's shorter side.
BLUR = 1 / 16


def apply_crop(image: Image.Image, crop: Crop) -> Image.Image:
    """Cut the window and resize it to the bucket by Lanczos: the one transform of pictures and masks."""
    return image.resize(crop.bucket, Image.Resampling.LANCZOS, box=(crop.x0, crop.y0, crop.x1, crop.y1))


def replace_background(picture: Image.Image, mask: Image.Image, background: str, key: str) -> Image.Image:
    """A frame with `grey`, `blurred` or `noise` in place of what its mask leaves out; `photo` leaves it as it is.

    The noise is drawn by the key, a text, alone: the same bytes everywhere.
    """
    if background == "photo":
        return picture
    if background == "grey":
        other = Image.new("RGB", picture.size, NEUTRAL)
    elif background == "blurred":
        other = _blurred_background(picture, mask)
    else:
        count = picture.width * picture.height * 3
        noise = np.frombuffer(shake_256(key.encode()).digest(count), dtype=np.uint8)
        other = Image.fromarray(noise.reshape(picture.height, picture.width, 3))
    return Image.composite(picture, other, mask)


def _blurred_background(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The background alone, blurred: the subject's own colours do not bleed into it. Grey where there is none near."""
    blur = ImageFilter.GaussianBlur(min(picture.size) * BLUR)
    around = Image.eval(mask, lambda value: 255 - value)
    weight = np.asarray(around.filter(blur), dtype=np.float32)[..., None] / 255
    grey = Image.new("RGB", picture.size, NEUTRAL)
    # What is blurred is grey on the subject; its share of the blur is then taken out again.
    mixed = np.asarray(Image.composite(picture, grey, around).filter(blur), dtype=np.float32)
    grey_level = np.array(NEUTRAL, dtype=np.float32)
    alone = grey_level + (mixed - grey_level) / np.maximum(weight, 1 / 16)
    return Image.fromarray(np.clip(np.rint(alone), 0, 255).astype(np.uint8))
