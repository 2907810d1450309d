"""Photos whose perceptual hashes are close to each other in some orientation."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from darkroom.photos.fingerprints import ORIENTATIONS
from darkroom.tables import Row

# So many photos are compared with all others at a time.
BLOCK = 256


def hash_bytes(hashes: Sequence[str]) -> np.ndarray:
    """256-bit hashes in hex as an array of shape (photos, 32), uint8."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(hashes), 32)


def nearest_orientations(fingerprints: Sequence[Row]) -> Callable[[int, int], tuple[int, str]]:
    """A function of two row numbers: the smallest hash distance of the first photo, upright, from the second in any
    orientation, and that orientation."""
    turned = {name: hash_bytes([row[name] for row in fingerprints]) for name in ORIENTATIONS}
    upright = turned["upright"]

    def nearest(first: int, second: int) -> tuple[int, str]:
        distances = {name: int(np.bitwise_count(upright[first] ^ bits[second]).sum()) for name, bits in turned.items()}
        name = min(distances, key=lambda name: distances[name])
        return distances[name], name

    return nearest


def near_pairs(fingerprints: Sequence[Row], distance: int) -> set[tuple[int, int]]:
    """Pairs (i, j), i < j, of rows whose hashes are at most `distance` bits apart in some orientation.

    Every pair is compared: at 90 of 256 bits no index leaves out enough of them to pay.
    """
    cv2.setNumThreads(1)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    upright = hash_bytes([row["upright"] for row in fingerprints])
    pairs: set[tuple[int, int]] = set()
    for name in ORIENTATIONS:
        turned = hash_bytes([row[name] for row in fingerprints])
        for start in range(0, len(upright), BLOCK):
            # Half a bit more, because OpenCV refuses a distance of 0.
            for matches in matcher.radiusMatch(upright[start : start + BLOCK], turned[start:], distance + 0.5):
                pairs.update(
                    (start + match.queryIdx, start + match.trainIdx)
                    for match in matches
                    if match.trainIdx > match.queryIdx
                )
    return pairs
