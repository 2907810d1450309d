"""Three looks at the subject by one model: finer edges, and how far the model agrees with itself."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from darkroom.framing.mask_measures import PixelBox, agreement, subject_box

# How much is seen around the subject, as a share of its box's longer side: enough for a thing to stand out of.
MARGIN = 0.2


def look_again(segment: Callable[[Image.Image], Image.Image], picture: Image.Image) -> tuple[Image.Image, float]:
    """The mask of a picture (8-bit, its size) from three looks, and the intersection over union of the first two.

    The first two looks are at the whole picture, as it is and mirrored; the third is at what they found with a margin,
    so that a small subject is seen larger. The mask is the mean of the first two and the third, which counts as black
    outside of what it shows. So where looks differ, the mask is unsure. Where nothing is found there is no third look.
    """
    first = segment(picture)
    mirrored = ImageOps.mirror(segment(ImageOps.mirror(picture)))
    looks, whole = agreement(first, mirrored), _mean(first, mirrored)
    box = subject_box(whole)
    if box is None:
        return whole, looks
    around = _with_margin(box, picture.size)
    near = Image.new("L", picture.size, 0)
    near.paste(segment(picture.crop(around)), around[:2])
    return _mean(whole, near), looks


def _mean(first: Image.Image, second: Image.Image) -> Image.Image:
    levels = (np.asarray(first, np.uint16) + np.asarray(second, np.uint16) + 1) // 2
    return Image.fromarray(levels.astype(np.uint8))


def _with_margin(box: PixelBox, size: tuple[int, int]) -> PixelBox:
    margin = round(MARGIN * max(box[2] - box[0], box[3] - box[1]))
    x0, y0, x1, y1 = box
    return max(0, x0 - margin), max(0, y0 - margin), min(size[0], x1 + margin), min(size[1], y1 + margin)
