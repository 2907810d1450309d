"""Two pictures, one laid over the other, compared in small windows."""

from dataclasses import dataclass

import cv2
import numpy as np

# Side in pixels of the windows.
WINDOW = 16
# Standard deviation in grey levels below which a window has nothing to compare.
FLAT = 3.0
# Windows of marks: below this correlation, of this standard deviation in one picture, which is so much more than in the
# other; and the share of such windows in a picture with a mark over it.
DISAGREEING = 0.5
STRONG = 3 * FLAT
LOUDER = 2.0
MARKED = 0.003
# Share of the disagreeing windows in which both hold as much: marks and bars make one of the two the louder one.
ALIKE_LOUD = 0.3


@dataclass(frozen=True)
class Windows:
    """Two pictures, one laid over the other, in windows.

    `local` (n,) are the correlations where both hold something, `variances` (2, n) the variances of the two there,
    `places` the rows and columns of the middles. `textured` counts the windows in which either holds something, `bare`
    for each of the two those in which it is flat and the other is not at all.
    """

    local: np.ndarray
    variances: np.ndarray
    places: tuple[np.ndarray, ...]
    textured: int
    bare: tuple[int, int]


def compare_windows(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> Windows:
    """Compare two pictures in windows of WINDOW pixels that lie inside.

    A bar or a clipped sky, flat in one picture alone, says nothing about the other.
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
    smaller, larger = np.minimum(variance_first, variance_second), np.maximum(variance_first, variance_second)
    places = np.nonzero(grid & (smaller > FLAT**2))
    bare = grid & (smaller <= FLAT**2) & (larger > STRONG**2)
    first_is_bare = variance_first < variance_second
    return Windows(
        covariance[places] / (np.sqrt(variance_first * variance_second)[places] + 1.0),
        np.stack([variance_first[places], variance_second[places]]),
        places,
        int((grid & (larger > FLAT**2)).sum()),
        (int((bare & first_is_bare).sum()), int((bare & ~first_is_bare).sum())),
    )


@dataclass(frozen=True)
class Differences:
    """What two pictures differ in: a text or a mark over the first, or over the second; or they are `contradicting`,
    each with something of its own, as two sheets of one form or two shots of one scene."""

    marked_first: bool
    marked_second: bool
    contradicting: bool


def find_differences(windows: Windows) -> Differences:
    """What two pictures differ in.

    Where the two disagree the louder one has the text or the mark. A bar or a patch silences a picture instead, so
    no mark is said to be where the louder one also has much that is bare in the other. Copies without a mark disagree
    nowhere where they hold much.
    """
    agreeing = windows.local > 0.8
    first, second = windows.variances
    second = second * (np.median(first[agreeing] / second[agreeing]) if agreeing.any() else 1.0)
    strong = (windows.local < DISAGREEING) & (np.maximum(first, second) > STRONG**2)
    louder = int((strong & (first > LOUDER * second)).sum()), int((strong & (second > LOUDER * first)).sum())
    least = max(3.0, MARKED * len(windows.local))
    marked = [
        louder[one] >= least and louder[one] > 3 * louder[1 - one] and windows.bare[1 - one] <= louder[one]
        for one in (0, 1)
    ]
    alike_loud = int(strong.sum()) - sum(louder)
    # A patch is bare itself and loud at its edge, so either alone may tell whose it is.
    more = louder[0] + windows.bare[1], louder[1] + windows.bare[0]
    one_sided = any(counts[one] > max(alike_loud, 3 * counts[1 - one]) for counts in (louder, more) for one in (0, 1))
    contradicting = strong.sum() >= least and not one_sided and alike_loud >= ALIKE_LOUD * strong.sum()
    return Differences(marked[0], marked[1], bool(contradicting))
