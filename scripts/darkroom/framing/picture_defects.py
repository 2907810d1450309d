"""What harms a picture as a whole: noise, compression, the blocks that it leaves, bars and borders around."""

import cv2
import numpy as np

from darkroom.imaging.borders import ends_at_edges
from darkroom.imaging.open_photo import OpenedPhoto

# Kernel and factor of Immerkaer, "Fast Noise Variance Estimation" (1996): blind to edges that are straight.
NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
NOISE_FACTOR = float(np.sqrt(np.pi / 2) / 6)
# Side of the blocks of JPEG, and of the window in the middle of a photo that is searched for them.
BLOCK, SEARCHED_SIDE = 8, 2048
# Grey levels of gradient that hide a step between blocks.
HIDING = 1.0
# Bars: grey levels by which a line of one colour may vary, as JPEG rings beside the picture, and the share of its
# pixels that must not; how much of a side opposite bars may differ in width, and the least that they take together.
LEVEL, OF_ONE_COLOUR = 16, 0.95
UNEQUAL, NARROWEST = 0.04, 0.02


def noise_deviation(grey: np.ndarray) -> float:
    """The standard deviation of the noise in a picture (height, width), float32, in grey levels.

    Immerkaer's estimate in tiles of 16 pixels, the lowest tenth of them: there is least texture.
    """
    residual = np.abs(cv2.filter2D(grey, -1, NOISE_KERNEL)) * NOISE_FACTOR
    tiles = cv2.blur(residual, (16, 16))[8::16, 8::16]
    return float(np.percentile(tiles, 10)) if tiles.size else 0.0


def signal_to_noise(deviation: float) -> float:
    """The signal-to-noise ratio in decibels, 20 log10(255 / deviation), at most 60."""
    return float(min(60.0, 20 * np.log10(255 / max(deviation, 1e-6))))


def compression(photo: OpenedPhoto) -> float | None:
    """The libjpeg quality of a JPEG from 0 to 1, 1 for formats without loss, None where it cannot be known."""
    if photo.format in ("WEBP", "AVIF", "HEIF"):
        return None
    return 1.0 if photo.jpeg_quality is None else photo.jpeg_quality / 100


def unblocked(grey: np.ndarray) -> float:
    """How little of the steps between pixels lies on a grid of 8 pixels: 1 without blocks, 0.5 where a step on the
    grid is twice what its neighbours are.

    As Wang, Sheikh and Bovik (2002) compare steps on and off the grid, but wherever the grid begins: pictures are
    turned, cropped and saved again. `grey` is a photo in its own size, (height, width), uint8.
    """
    middle = [slice(max(0, (side - SEARCHED_SIDE) // 2), (side + SEARCHED_SIDE) // 2) for side in grey.shape]
    window = grey[middle[0], middle[1]].astype(np.int16)
    return min(_off_grid(window), _off_grid(window.T))


def _off_grid(lines: np.ndarray) -> float:
    """The mean step off the grid over that on it, along the rows of `lines` (n, m), int16; at most 1."""
    steps = np.abs(np.diff(lines, axis=1)).mean(axis=0, dtype=np.float64)
    if len(steps) < 4 * BLOCK:
        return 1.0
    phases = np.array([steps[phase::BLOCK].mean() for phase in range(BLOCK)]) + HIDING
    others = np.delete(phases, phases.argmax())
    return float(min(1.0, others.max() / phases.max()))


def filled(grey: np.ndarray) -> float:
    """The share of a picture that lies within its bars or its border: 1 where it has none.

    Bars are of one colour, come in pairs about equally wide and end at straight edges; so a plain wall or sky is none,
    and neither is the paper around a thing. `grey` is (height, width), float32.
    """
    margins = [_margins(lines) for lines in (grey, grey.T)]
    for (before, after), side in zip(margins, grey.shape, strict=True):
        if before + after >= side or abs(before - after) > UNEQUAL * side:
            return 1.0
    (top, bottom), (left, right) = margins
    if max((top + bottom) / grey.shape[0], (left + right) / grey.shape[1]) < NARROWEST:
        return 1.0
    inside = np.zeros(grey.shape, bool)
    inside[top : grey.shape[0] - bottom, left : grey.shape[1] - right] = True
    return float(inside.mean()) if ends_at_edges(grey, inside) else 1.0


def _margins(lines: np.ndarray) -> tuple[int, int]:
    """How many of the first and of the last rows of a picture have the colour of its outermost row."""
    colours = [float(np.median(lines[end])) for end in (0, -1)]
    first, last = ((np.abs(lines - colour) <= LEVEL).mean(axis=1) >= OF_ONE_COLOUR for colour in colours)
    if first.all() or last.all():
        return len(lines), len(lines)
    return int(np.argmin(first)), int(np.argmin(last[::-1]))
