"""How sharp a subject is: in its whole, in its middle and in its bulk, along the direction in which it is worst."""

from collections.abc import Iterator

import cv2
import numpy as np

# The line over which edges are smeared: so many pixels in a picture of this side and more, and no fewer in any.
SMEAR, SMEARED_SIDE, SHORTEST_SMEAR = 5.0, 1024, 3.0
# Only the strongest edges count: this share of a region's gradients.
STRONG = 0.1
# Grey levels per pixel below which a gradient says little: rounding and compression make such steps in any picture.
FAINT = 2.0
# An edge is at least as steep as this; one of 20 grey levels is when it is blurred. Soft shading is the steeper the
# smaller the picture, crisp edges are not: in a plain middle the limit goes with this power of the side.
FLAT, SHADING = 3.0, 1.5
# Where a whole subject has no edge steeper than this, its edges are steps of compression in what is very blurred: they
# count in proportion.
STEEP = 6.0
# The least share of a region's pixels that must be edges for it to speak along a direction. The rim of a large plain
# toy is half a hundredth of it; its middle may be plain, and what is shaded softly there is not blurred.
RIM, TEXTURE = 0.002, 0.02
# What pure noise of deviation 1 gives: the mean of its strongest tenth of gradients (2.06 sqrt 2), and what they lose
# (2.7; a little less is taken off, so that grain does not make a crisp photo blurred). Edges that are not twice as
# steep as the noise deviates are lost in it and say nothing.
NOISE_GRADIENT, NOISE_LOSS, NOISE_FLAT = 2.9, 2.5, 2.0
# Steps (x, y) to a neighbour. Motion spares the edges along its own direction, so that no single one tells.
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1))
# The middle of a subject's box, by the share of its sides, and of the largest disc in it, by the share of its radius:
# half of its area.
MIDDLE, BULK = 0.5, 0.7
# Fewer pixels than this make no region.
FEWEST_PIXELS = 64


def sharpness(grey: np.ndarray, subject: np.ndarray, noise: float = 0.0) -> float:
    """How much a subject's strongest edges lose when they are smeared: near 1 crisp, near 0 already smeared.

    The blur measure of Crete et al., "The Blur Effect" (2007), a ratio in which contrast and light nearly cancel out,
    of the strongest tenth of the gradients. It is taken in the whole subject, in the middle of its box and in the
    inner half of the largest disc that fits into it, of which the worst counts: a missed focus can leave a crisp rim.
    `grey` is (height, width), float32, at most SMEARED_SIDE pixels long if scores are to be compared; `subject` is a
    boolean mask of it, `noise` the standard deviation of its noise in grey levels, which is taken off the gradients:
    grain is crisp in a blurred photo, too. 0 where the mask is empty.
    """
    inner = subject.copy()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    if not inner.any():
        return 0.0
    # What lies farther from the subject than a smear reaches decides nothing.
    rows, columns = (_with_margin(np.flatnonzero(inner.any(axis)), 4) for axis in (1, 0))
    smear = smear_length(max(grey.shape))
    gradients = [_gradients(grey[rows, columns], step, smear) for step in DIRECTIONS]
    whole, *parts = _regions(inner[rows, columns])
    edges = _edges(gradients, whole, noise, RIM, FLAT)
    if not edges:
        return 0.0
    in_whole = min(edges)[0] * min(1.0, max(strength for _, strength in edges) / STEEP)
    flat = FLAT * max(1.0, SMEARED_SIDE / max(grey.shape)) ** SHADING
    in_parts = [share for part in parts for share, _ in _edges(gradients, part, noise, TEXTURE, flat)]
    return min([in_whole, *in_parts])


def smear_length(side: int) -> float:
    """Over how many pixels edges are smeared in a picture of a longer side.

    In a smaller copy of a photo blur has shrunk with it, but a crisp edge is as wide as a pixel in either: the length
    beyond one pixel goes with the root of the side, between the two, and a score hardly depends on the size.
    """
    return max(SHORTEST_SMEAR, 1 + (SMEAR - 1) * min(1.0, side / SMEARED_SIDE) ** 0.5)


def _with_margin(places: np.ndarray, margin: int) -> slice:
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def _regions(subject: np.ndarray) -> Iterator[np.ndarray]:
    """The whole subject, and its middle and its bulk where they hold enough of it: boolean masks."""
    yield subject
    rows, columns = (_middle(np.flatnonzero(subject.any(axis))) for axis in (1, 0))
    middle = np.zeros_like(subject)
    middle[rows, columns] = subject[rows, columns]
    depth = cv2.distanceTransform(np.pad(subject, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    down, across = np.ogrid[: subject.shape[0], : subject.shape[1]]
    bulk = subject & ((down - row) ** 2 + (across - column) ** 2 <= (BULK * depth.max()) ** 2)
    yield from (region for region in (middle, bulk) if region.sum() >= FEWEST_PIXELS)


def _middle(places: np.ndarray) -> slice:
    margin = round((1 - MIDDLE) / 2 * (places[-1] + 1 - places[0]))
    return slice(int(places[0]) + margin, int(places[-1]) + 1 - margin)


def _gradients(grey: np.ndarray, step: tuple[int, int], smear: float) -> tuple[np.ndarray, np.ndarray]:
    """The gradient to a neighbour, in grey levels, and what it loses by a smear along the same direction."""
    across, down = step
    line = np.zeros((5, 5), np.float32)
    for place in range(-2, 3):
        line[2 + place * down, 2 + place * across] = min(1.0, smear / 2 + 0.5 - abs(place)) / smear
    neighbour = np.zeros((3, 3), np.float32)
    neighbour[1, 1], neighbour[1 - down, 1 - across] = 1, -1
    smeared = cv2.filter2D(grey, -1, line, borderType=cv2.BORDER_REPLICATE)
    gradient, left = (
        np.abs(cv2.filter2D(picture, -1, neighbour, borderType=cv2.BORDER_REPLICATE)) for picture in (grey, smeared)
    )
    return gradient, np.maximum(gradient - left, 0)


def _edges(
    gradients: list[tuple[np.ndarray, np.ndarray]], region: np.ndarray, noise: float, fewest: float, flat: float
) -> list[tuple[float, float]]:
    """What the strongest gradients of a region lose, and how steep they are in grey levels per pixel, for each
    direction in which it has edges, steeper than `flat`: at least the share `fewest` of its pixels."""
    found = []
    for gradient, lost in gradients:
        inside = gradient[region]
        count = max(1, round(STRONG * len(inside)))
        strong = inside >= max(flat, np.partition(inside, -count)[-count])
        if strong.sum() < max(1.0, fewest * len(inside)):
            continue
        strength = _without_noise(float(inside[strong].mean()), NOISE_GRADIENT * noise)
        loss = _without_noise(float(lost[region][strong].mean()), NOISE_LOSS * noise)
        if strength >= max(flat, NOISE_FLAT * noise):
            found.append((min(1.0, loss / (strength + FAINT)), strength))
    return found


def _without_noise(level: float, noise: float) -> float:
    """Independent parts of a level add as squares."""
    return float(np.sqrt(max(0.0, level**2 - noise**2)))
