"""Whether two photos show the same picture: aligned by local features, compared by local correlation."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from darkroom.photos.fingerprints import turn
from darkroom.photos.local_features import Sketch

MIN_MATCHES = 10
# Side in pixels of the pictures that are compared, and of the windows in which they are.
COMPARED_SIDE = 256
WINDOW = 16
# Standard deviation in grey levels below which a window has nothing to compare.
FLAT = 3.0
MIN_OVERLAP = 0.25
# Windows that must be comparable, and their share of those in which either picture holds something.
MIN_WINDOWS = 4
MIN_COMPARABLE = 0.25
# Below this median correlation it is no use to look for a better alignment.
WORTH_REFINING = 0.3
# Share of what surrounds a picture that must be of one colour in a frame, and how far from the middle, in shares of a
# side, the picture may be.
FRAME = 0.95
OFF_CENTRE = 0.02
# Grey levels by which the edge of a picture differs from the frame around it.
STEP = 12


@dataclass(frozen=True)
class Alignment:
    """How a second photo lies in a first one.

    `matrix` (2, 3) takes pixels of the second thumbnail to the first one; `mirrored` and `degrees` say how it is
    turned. `covers_first` and `covers_second` are the shares of either photo that both show. `framed_first` and
    `framed_second` say whether the rest of it is bars or a border of one colour. `correlation` is the lowest decile of
    the correlations in small windows of that overlap, `median` their median, `likeness` the correlation of all of it.
    """

    matrix: np.ndarray
    mirrored: bool
    degrees: float
    covers_first: float
    covers_second: float
    framed_first: bool
    framed_second: bool
    correlation: float
    median: float
    likeness: float


def align(first: Sketch, second: Sketch, orientation: str | None = None) -> Alignment | None:
    """The best alignment of the second photo on the first, or None where none is found.

    Tried are similarities (scale, turn, shift) between matching features, in both mirrors, and, where the perceptual
    hashes named an `orientation`, the whole of the second in that orientation over the whole of the first.
    """
    candidates = [(_match(first, second, mirrored), mirrored) for mirrored in (False, True)]
    if orientation is not None:
        candidates.append((_whole(first, second, orientation), orientation.startswith("mirrored")))
    shrink = min(1.0, COMPARED_SIDE / max(first.grey.shape))
    size = (max(1, round(first.grey.shape[1] * shrink)), max(1, round(first.grey.shape[0] * shrink)))
    base = cv2.resize(first.grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    found = [_compare(base, second, matrix, shrink, mirrored) for matrix, mirrored in candidates if matrix is not None]
    best = max((laid for laid in found if laid is not None), key=lambda laid: _lowest(laid.local), default=None)
    return None if best is None else _told(first, base, best)


def _match(first: Sketch, second: Sketch, mirrored: bool) -> np.ndarray | None:
    """A similarity from the second (mirrored where asked) to the first by RANSAC over matching features."""
    features = second.mirrored if mirrored else second.upright
    if min(len(first.upright.descriptors), len(features.descriptors)) < MIN_MATCHES:
        return None
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(features.descriptors, first.upright.descriptors)
    matches = [match for match in matches if match.distance <= 64]
    if len(matches) < MIN_MATCHES:
        return None
    sources = features.points[[match.queryIdx for match in matches]]
    destinations = first.upright.points[[match.trainIdx for match in matches]]
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        sources, destinations, method=cv2.RANSAC, ransacReprojThreshold=3.0, maxIters=1000
    )
    if matrix is None or int(inliers.sum()) < MIN_MATCHES:
        return None
    if not 0.1 < np.hypot(matrix[0, 0], matrix[1, 0]) < 10:
        return None
    return matrix


def _whole(first: Sketch, second: Sketch, orientation: str) -> np.ndarray | None:
    """The similarity that lays the whole of the turned second photo over the first, if their shapes agree.

    The matrix starts from the second as it is, mirrored where the orientation is a mirrored one.
    """
    height, width = second.grey.shape
    step = Image.new("L", (width, height))
    turned = turn(step, orientation)
    scale_x, scale_y = first.grey.shape[1] / turned.width, first.grey.shape[0] / turned.height
    if abs(np.log(scale_x / scale_y)) > 0.03:
        return None
    quarter_turns = int(orientation.rpartition("_")[2]) // 90 if "_" in orientation else 0
    # PIL turns anticlockwise; with y downwards that is (x, y) -> (y, width - x).
    turn_once = {0: (1, 0, 0, 0), 1: (0, 1, 0, width), 2: (-1, 0, width, height), 3: (0, -1, height, 0)}
    cosine, sine, shift_x, shift_y = turn_once[quarter_turns]
    scale = (scale_x + scale_y) / 2
    return np.array([[cosine, sine, shift_x], [-sine, cosine, shift_y]], np.float64) * scale


@dataclass(frozen=True)
class _Laid:
    """A picture (mirrored already) laid over the other: its pixels there, which it fills, how they correlate.

    `local` are the correlations in windows, `places` the rows and columns of their middles.
    """

    source: np.ndarray
    matrix: np.ndarray
    mirrored: bool
    warped: np.ndarray
    inside: np.ndarray
    local: np.ndarray
    places: tuple[np.ndarray, ...]
    covers_second: float


def _compare(base: np.ndarray, second: Sketch, matrix: np.ndarray, shrink: float, mirrored: bool) -> _Laid | None:
    """Lay the second over the first, as well as it goes; `base` is the first, smaller by `shrink`."""
    source = np.ascontiguousarray(second.grey[:, ::-1] if mirrored else second.grey)
    found = _lay(base, source, matrix, shrink, mirrored)
    if found is None or np.median(found.local) < WORTH_REFINING:
        return found
    better = _refined(base, found, shrink)
    refined = None if better is None else _lay(base, source, better, shrink, mirrored)
    return refined if refined is not None and np.median(refined.local) > np.median(found.local) else found


def _lay(base: np.ndarray, source: np.ndarray, matrix: np.ndarray, shrink: float, mirrored: bool) -> _Laid | None:
    """Lay a picture over the other; None where they share too little, or too little that could be compared."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    warped, inside = _warp(source, matrix * shrink, (base.shape[1], base.shape[0]), scale * shrink)
    shared = float(inside.mean())
    covers_second = min(1.0, inside.sum() / (source.size * (scale * shrink) ** 2))
    if shared < 0.02 or max(shared, covers_second) < MIN_OVERLAP:
        return None
    local, places, textured = _local_correlations(base, warped, inside)
    if len(local) < MIN_WINDOWS or len(local) < MIN_COMPARABLE * textured:
        return None
    return _Laid(source, matrix, mirrored, warped, inside, local, places, covers_second)


def _refined(base: np.ndarray, laid: _Laid, shrink: float) -> np.ndarray | None:
    """A better affine matrix by the pixels themselves (ECC, Evangelidis and Psarakis 2008), where that converges.

    Only windows that correlate already take part, so that a mark over one of the two does not pull.
    """
    correlated = np.zeros(base.shape, np.uint8)
    correlated[laid.places] = laid.local > 0.5
    correlated = cv2.dilate(correlated, np.ones((WINDOW, WINDOW), np.uint8)) & laid.inside.astype(np.uint8)
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 30, 1e-4)
    step = np.eye(2, 3, dtype=np.float32)
    try:
        _, step = cv2.findTransformECC(base, laid.warped, step, cv2.MOTION_AFFINE, criteria, 255 * correlated, 5)
    except cv2.error:
        return None
    over = np.vstack([cv2.invertAffineTransform(step), [0, 0, 1]]) @ np.vstack([laid.matrix * shrink, [0, 0, 1]])
    return over[:2] / shrink


def _lowest(local: np.ndarray) -> float:
    """The lowest decile of local correlations."""
    return float(np.percentile(local, 10))


def _told(first: Sketch, base: np.ndarray, laid: _Laid) -> Alignment:
    """What a laid picture says of the two."""
    both = base[laid.inside], laid.warped[laid.inside]
    seen = _seen(first.grey.shape, laid.matrix, laid.source.shape)
    return Alignment(
        matrix=laid.matrix,
        mirrored=laid.mirrored,
        degrees=float(np.degrees(np.arctan2(laid.matrix[1, 0], laid.matrix[0, 0]))),
        covers_first=float(laid.inside.mean()),
        covers_second=laid.covers_second,
        framed_first=_is_frame(base, laid.inside),
        framed_second=_is_frame(laid.source, seen),
        correlation=_lowest(laid.local),
        median=float(np.median(laid.local)),
        likeness=float(np.corrcoef(*both)[0, 1]) if min(part.std() for part in both) > 0 else 0.0,
    )


def _seen(first: tuple[int, ...], matrix: np.ndarray, second: tuple[int, ...]) -> np.ndarray:
    """Which pixels of the second photo lie on the first."""
    whole = np.full(first[:2], 255, np.uint8)
    back = cv2.invertAffineTransform(matrix)
    return cv2.warpAffine(whole, back, (second[1], second[0]), flags=cv2.INTER_NEAREST) > 0


def _is_frame(grey: np.ndarray, inside: np.ndarray) -> bool:
    """Whether what lies outside of the overlap is of one colour, all around it, and ends where the overlap begins.

    A crop of a thing on plain ground leaves one colour outside, too, but the ground goes on inside the crop.
    """
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    off = [
        abs(side - 1 - places[0] - places[-1]) / side for places, side in zip((rows, columns), grey.shape, strict=True)
    ]
    if max(off) > 2 * OFF_CENTRE:
        return False
    near = np.ones((7, 7), np.uint8)
    outside = cv2.erode((~inside).astype(np.uint8), near) > 0
    levels = grey[outside].astype(np.float32)
    if len(levels) <= 0.01 * grey.size:
        return False
    colour = float(np.median(levels))
    edge = inside & (cv2.erode(inside.astype(np.uint8), near) == 0) & ~_at_border(grey.shape)
    starts = np.abs(grey[edge].astype(np.float32) - colour) > STEP
    return float(np.mean(np.abs(levels - colour) <= 4)) >= FRAME and starts.size > 0 and float(starts.mean()) >= 0.5


def _at_border(shape: tuple[int, ...]) -> np.ndarray:
    """The outermost pixels of a picture, where an overlap ends because the picture does."""
    border = np.ones(shape, bool)
    border[8:-8, 8:-8] = False
    return border


def _warp(source: np.ndarray, matrix: np.ndarray, size: tuple[int, int], scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Warp a picture (smoothed first where it shrinks) and say which pixels it fills."""
    if scale < 1:
        source = cv2.GaussianBlur(source, (0, 0), 0.4 / scale)
    warped = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    filled = cv2.warpAffine(np.full(source.shape, 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR)
    return warped.astype(np.float32), filled > 250


def _local_correlations(
    first: np.ndarray, second: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, ...], int]:
    """Correlations in windows of WINDOW pixels that lie inside and hold something in both pictures.

    Also the middles of these windows, and how many hold something in either. A bar or a clipped sky, flat in one
    picture alone, says nothing about the other.
    """
    window = (WINDOW, WINDOW)
    # A pixel of smoothing forgives what the alignment leaves over.
    first, second = cv2.GaussianBlur(first, (0, 0), 1.0), cv2.GaussianBlur(second, (0, 0), 1.0)
    mean_first, mean_second = cv2.blur(first, window), cv2.blur(second, window)
    variance_first = np.maximum(cv2.blur(first * first, window) - mean_first**2, 0)
    variance_second = np.maximum(cv2.blur(second * second, window) - mean_second**2, 0)
    covariance = cv2.blur(first * second, window) - mean_first * mean_second
    whole = cv2.erode(inside.astype(np.uint8), np.ones(window, np.uint8)) > 0
    grid = np.zeros_like(whole)
    grid[WINDOW // 2 :: WINDOW // 2, WINDOW // 2 :: WINDOW // 2] = True
    grid &= whole
    textured = int((grid & (np.maximum(variance_first, variance_second) > FLAT**2)).sum())
    places = np.nonzero(grid & (np.minimum(variance_first, variance_second) > FLAT**2))
    return covariance[places] / (np.sqrt(variance_first * variance_second)[places] + 1.0), places, textured
