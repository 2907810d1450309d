"""Bars and borders around a picture that are no part of it."""

import cv2
import numpy as np

# Share of what surrounds a picture that must be of one colour in a frame, and how far from the middle, in shares of a
# side, the picture may be.
FRAME = 0.95
OFF_CENTRE = 0.02
# Grey levels by which a picture differs from the frame around it, at this share of its edge.
STEP = 12
STEPPING = 0.1
# A side of a picture on a page: pixels beside it that are compared, the share of them that differ (around crops of
# photos at most 0.2 do), and the share of the overlap's box that an upright overlap fills.
BESIDE = 3
EDGE = 0.4
UPRIGHT = 0.97


def extents(inside: np.ndarray) -> list[tuple[int, int]]:
    """The first and last row, and column, with anything of a mask (height, width), bool, that is not empty."""
    places = [np.flatnonzero(inside.any(axis)) for axis in (1, 0)]
    return [(int(some[0]), int(some[-1])) for some in places]


def is_frame(grey: np.ndarray, inside: np.ndarray) -> bool:
    """Whether what lies outside of the overlap of a picture (height, width), uint8 or float32, is no part of it.

    It is not where it is a border of one colour, and where the overlap ends at straight edges on every side on which
    the picture goes on, as on a page or a screen. Around a crop the picture goes on without a step.
    """
    return _is_plain_frame(grey, inside) or ends_at_edges(grey, inside)


def ends_at_edges(grey: np.ndarray, inside: np.ndarray) -> bool:
    """Whether an upright overlap has a step along every side that does not lie at the edge of the picture."""
    (top, bottom), (left, right) = extents(inside)
    within = inside[top : bottom + 1, left : right + 1]
    if within.mean() < UPRIGHT or min(within.shape) <= 4 * BESIDE:
        return False
    inner = slice(top + 2 * BESIDE, bottom - 2 * BESIDE), slice(left + 2 * BESIDE, right - 2 * BESIDE)
    rows, columns = grey[:, inner[1]].astype(np.float32), grey[inner[0]].astype(np.float32).T
    ends = [(rows, top, -1), (rows, bottom, 1), (columns, left, -1), (columns, right, 1)]
    steps = [
        _stepping(lines, end, outwards)
        for lines, end, outwards in ends
        if 0 <= end + outwards * (2 * BESIDE + 1) < len(lines)
    ]
    return bool(steps) and min(steps) >= EDGE


def _stepping(lines: np.ndarray, end: int, outwards: int) -> float:
    """The share of a side, between two rows of `lines` (rows, n), where the picture changes there and not beside it."""
    far_in, near_in, near_out, far_out = (lines[end + outwards * BESIDE * place] for place in (-2, -1, 1, 2))
    beside = np.maximum(np.abs(far_in - near_in), np.abs(far_out - near_out))
    across = np.abs(near_in - near_out)
    return float(((across > STEP) & (across > 2 * beside)).mean())


def _is_plain_frame(grey: np.ndarray, inside: np.ndarray) -> bool:
    """Whether what lies outside of the overlap is of one colour, all around it, and ends where the overlap begins.

    A crop of a thing on plain ground leaves one colour outside, too, but the ground goes on inside the crop.
    """
    off = [abs(side - 1 - first - last) / side for (first, last), side in zip(extents(inside), grey.shape, strict=True)]
    if max(off) > 2 * OFF_CENTRE:
        return False
    # Pixels that the alignment may have put on the wrong side are left out.
    near = np.ones((7, 7), np.uint8)
    outside = cv2.erode((~inside).astype(np.uint8), near) > 0
    levels = grey[outside].astype(np.float32)
    if len(levels) <= 0.01 * grey.size:
        return False
    colour = float(np.median(levels))
    if np.mean(np.abs(levels - colour) <= 4) < FRAME:
        return False
    differs = np.abs(grey.astype(np.float32) - colour) > STEP
    edge = inside & (cv2.erode(inside.astype(np.uint8), near) == 0) & ~_at_border(grey.shape)
    around = outside & (cv2.dilate(inside.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0)
    stepping = float(differs[edge].mean()) if edge.any() else 0.0
    return stepping >= STEPPING and float(differs[around].mean()) <= STEPPING * stepping


def _at_border(shape: tuple[int, ...]) -> np.ndarray:
    """The outermost pixels of a picture, where an overlap ends because the picture does."""
    border = np.ones(shape, bool)
    border[8:-8, 8:-8] = False
    return border
