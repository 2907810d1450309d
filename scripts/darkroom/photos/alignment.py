"""Whether two photos show the same picture: aligned by local features, compared by local correlation."""

import sys
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from darkroom.imaging import borders
from darkroom.imaging.borders import extents, is_frame
from darkroom.photos import compared_windows, fingerprints, local_features, pairs
from darkroom.photos.compared_windows import WINDOW, Windows, compare_windows, find_differences
from darkroom.photos.fingerprints import hash_bytes, hash_distance, turn, upright_hash
from darkroom.photos.local_features import PhotoFeatures
from darkroom.photos.pairs import EITHER, Mirrors

# All that decides an alignment, for cache keys.
MODULES = (sys.modules[__name__], borders, compared_windows, pairs, *fingerprints.MODULES, *local_features.MODULES)

MIN_MATCHES = 10
# Descriptors that differ in more bits than this, of 256, are of different things.
NEAR_BITS = 64
# Side in pixels of the pictures that are compared.
COMPARED_SIDE = 256
# One of the two must be shown by the other at least so far: two pages with one photo on both are no copies.
MIN_OVERLAP = 0.5
# Windows that must be comparable, and their share of those in which either picture holds something.
MIN_WINDOWS = 4
MIN_COMPARABLE = 0.25
# Below this median correlation it is no use to look for a better alignment.
WORTH_REFINING = 0.3


@dataclass(frozen=True)
class Alignment:
    """How a second photo lies in a first one.

    `matrix` (2, 3) takes pixels of the second thumbnail to the first one; `mirrored` and `degrees` say how it is
    turned. `covers_first` and `covers_second` are the shares of either photo that both show. `framed_first` and
    `framed_second` say whether the rest of it is bars or a border of one colour, `marked_first` and `marked_second`
    whether a text or a mark lies over it that the other does not have, `contradicting` whether each has something of
    its own. `correlation` is the lowest decile of the correlations in small windows of that overlap, `quartile` their
    lowest quartile, `median` their median, `likeness` that of all of it, and `distance` that of its perceptual hashes,
    in bits of 256.
    """

    matrix: np.ndarray
    mirrored: bool
    degrees: float
    covers_first: float
    covers_second: float
    framed_first: bool
    framed_second: bool
    marked_first: bool
    marked_second: bool
    contradicting: bool
    correlation: float
    quartile: float
    median: float
    likeness: float
    distance: int


def align(
    first: PhotoFeatures, second: PhotoFeatures, orientation: str | None = None, mirrors: Mirrors = EITHER
) -> Alignment | None:
    """The best alignment of the second photo on the first, or None where none is found.

    Tried are similarities (scale, turn, shift) between matching features in these mirrors, and, where the perceptual
    hashes named an `orientation`, the whole of the second in that orientation over the whole of the first.
    """
    candidates = [(_match(first, second, mirrored), mirrored) for mirrored in sorted(mirrors)]
    if orientation is not None:
        candidates.append((_whole(first, second, orientation), orientation.startswith("mirrored")))
    if all(matrix is None for matrix, _ in candidates):
        return None
    shrink = min(1.0, COMPARED_SIDE / max(first.grey.shape))
    size = (max(1, round(first.grey.shape[1] * shrink)), max(1, round(first.grey.shape[0] * shrink)))
    base = cv2.resize(first.grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    found = [_compare(base, second, matrix, shrink, mirrored) for matrix, mirrored in candidates if matrix is not None]
    best = max((warp for warp in found if warp is not None), key=lambda warp: _lowest(warp.local), default=None)
    return None if best is None else _measured(first, base, best)


def _match(first: PhotoFeatures, second: PhotoFeatures, mirrored: bool) -> np.ndarray | None:
    """A similarity from the second (mirrored where asked) to the first by RANSAC over matching features."""
    features = second.mirrored if mirrored else second.upright
    if min(len(first.upright.descriptors), len(features.descriptors)) < MIN_MATCHES:
        return None
    there, here = _mutual_nearest(features.descriptors, first.upright.descriptors)
    if len(there) < MIN_MATCHES:
        return None
    sources, destinations = features.points[there], first.upright.points[here]
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        sources, destinations, method=cv2.RANSAC, ransacReprojThreshold=3.0, maxIters=1000
    )
    if matrix is None or int(inliers.sum()) < MIN_MATCHES:
        return None
    if not 0.1 < np.hypot(matrix[0, 0], matrix[1, 0]) < 10:
        return None
    return matrix


def _mutual_nearest(descriptors: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of descriptors that are each other's nearest and near, of both sides, each (matches,).

    The way back is asked only for those that have something near.
    """
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    near = [match for match in matcher.match(descriptors, others) if match.distance <= NEAR_BITS]
    there, here = (np.array([getattr(match, side) for match in near], int) for side in ("queryIdx", "trainIdx"))
    asked = np.unique(here)
    nearest = np.full(len(others), -1)
    if len(asked):
        nearest[asked] = [match.trainIdx for match in matcher.match(others[asked], descriptors)]
    mutual = nearest[here] == there
    return there[mutual], here[mutual]


def _whole(first: PhotoFeatures, second: PhotoFeatures, orientation: str) -> np.ndarray | None:
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
class _Warp:
    """A picture (mirrored already) laid over the other: its pixels there, which it fills, how they correlate."""

    source: np.ndarray
    matrix: np.ndarray
    mirrored: bool
    warped: np.ndarray
    inside: np.ndarray
    windows: Windows
    covers_second: float

    @property
    def local(self) -> np.ndarray:
        """The correlations in windows."""
        return self.windows.local


def _compare(
    base: np.ndarray, second: PhotoFeatures, matrix: np.ndarray, shrink: float, mirrored: bool
) -> _Warp | None:
    """Lay the second over the first, as well as it goes; `base` is the first, smaller by `shrink`."""
    source = np.ascontiguousarray(second.grey[:, ::-1] if mirrored else second.grey)
    found = _lay(base, source, matrix, shrink, mirrored)
    if found is None or np.median(found.local) < WORTH_REFINING:
        return found
    better = _refined(base, found, shrink)
    refined = None if better is None else _lay(base, source, better, shrink, mirrored)
    return refined if refined is not None and np.median(refined.local) > np.median(found.local) else found


def _lay(base: np.ndarray, source: np.ndarray, matrix: np.ndarray, shrink: float, mirrored: bool) -> _Warp | None:
    """Lay a picture over the other; None where they share too little, or too little that could be compared."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    warped, inside = _warp(source, matrix * shrink, (base.shape[1], base.shape[0]), scale * shrink)
    shared = float(inside.mean())
    covers_second = min(1.0, inside.sum() / (source.size * (scale * shrink) ** 2))
    if shared < 0.02 or max(shared, covers_second) < MIN_OVERLAP:
        return None
    windows = compare_windows(base, warped, inside)
    if len(windows.local) < MIN_WINDOWS or len(windows.local) < MIN_COMPARABLE * windows.textured:
        return None
    return _Warp(source, matrix, mirrored, warped, inside, windows, covers_second)


def _refined(base: np.ndarray, warp: _Warp, shrink: float) -> np.ndarray | None:
    """A better affine matrix by the pixels themselves (ECC, Evangelidis and Psarakis 2008), where that converges.

    Only windows that correlate already take part, so that a mark over one of the two does not pull.
    """
    correlated = np.zeros(base.shape, np.uint8)
    correlated[warp.windows.places] = warp.local > 0.5
    correlated = cv2.dilate(correlated, np.ones((WINDOW, WINDOW), np.uint8)) & warp.inside.astype(np.uint8)
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 30, 1e-4)
    step = np.eye(2, 3, dtype=np.float32)
    try:
        _, step = cv2.findTransformECC(base, warp.warped, step, cv2.MOTION_AFFINE, criteria, 255 * correlated, 5)
    except cv2.error:
        return None
    over = np.vstack([cv2.invertAffineTransform(step), [0, 0, 1]]) @ np.vstack([warp.matrix * shrink, [0, 0, 1]])
    return over[:2] / shrink


def _lowest(local: np.ndarray) -> float:
    """The lowest decile of local correlations."""
    return float(np.percentile(local, 10))


def _measured(first: PhotoFeatures, base: np.ndarray, warp: _Warp) -> Alignment:
    """What a laid picture says of the two."""
    both = base[warp.inside], warp.warped[warp.inside]
    seen = _seen(first.grey.shape, warp.matrix, warp.source.shape)
    differences = find_differences(warp.windows)
    return Alignment(
        matrix=warp.matrix,
        mirrored=warp.mirrored,
        degrees=float(np.degrees(np.arctan2(warp.matrix[1, 0], warp.matrix[0, 0]))),
        covers_first=float(warp.inside.mean()),
        covers_second=warp.covers_second,
        framed_first=is_frame(base, warp.inside),
        framed_second=is_frame(warp.source, seen),
        marked_first=differences.marked_first,
        marked_second=differences.marked_second,
        contradicting=differences.contradicting,
        correlation=_lowest(warp.local),
        quartile=float(np.percentile(warp.local, 25)),
        median=float(np.median(warp.local)),
        likeness=float(np.corrcoef(*both)[0, 1]) if min(part.std() for part in both) > 0 else 0.0,
        distance=_hash_distance(base, warp),
    )


def _hash_distance(base: np.ndarray, warp: _Warp) -> int:
    """The distance of the hashes of what both pictures show, in bits."""
    (top, bottom), (left, right) = extents(warp.inside)
    shared = [np.rint(grey[top : bottom + 1, left : right + 1]).astype(np.uint8) for grey in (base, warp.warped)]
    return hash_distance(*hash_bytes([upright_hash(Image.fromarray(grey)) for grey in shared]))


def _seen(first: tuple[int, ...], matrix: np.ndarray, second: tuple[int, ...]) -> np.ndarray:
    """Which pixels of the second photo lie on the first."""
    whole = np.full(first[:2], 255, np.uint8)
    back = cv2.invertAffineTransform(matrix)
    return cv2.warpAffine(whole, back, (second[1], second[0]), flags=cv2.INTER_NEAREST) > 0


def _warp(source: np.ndarray, matrix: np.ndarray, size: tuple[int, int], scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Warp a picture (smoothed first where it shrinks) and say which pixels it fills."""
    if scale < 1:
        source = cv2.GaussianBlur(source, (0, 0), 0.4 / scale)
    warped = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    filled = cv2.warpAffine(np.full(source.shape, 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR)
    return warped.astype(np.float32), filled > 250
