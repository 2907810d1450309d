"""Photos whose perceptual hashes are close to each other in some orientation."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from darkroom.photos.fingerprints import ORIENTATIONS, Fingerprint, hash_bytes, hash_distance
from darkroom.photos.pairs import Pair, best_of_each

# Up to so many photos every two are compared; the time grows with the square.
EXHAUSTIVE = 20_000
# So many photos are compared with all others at a time, and so many where bands say with which.
BLOCK, BANDED_BLOCK = 256, 4096
# Bits of a band; of so many photos with one band only the first are looked at.
BAND = 16
LARGEST_BUCKET = 256
# Close ones: number of the photo, of the other one, distance in bits.
Near = tuple[np.ndarray, np.ndarray, np.ndarray]


def nearest_orientations(fingerprints: Sequence[Fingerprint]) -> Callable[[int, int], tuple[int, str]]:
    """A function of two row numbers: the smallest hash distance of the first photo, upright, from the second in any
    orientation, and that orientation."""
    turned = _all_orientations(fingerprints)
    upright = turned["upright"]

    def nearest(first: int, second: int) -> tuple[int, str]:
        distances = {name: hash_distance(upright[first], bits[second]) for name, bits in turned.items()}
        name = min(distances, key=lambda name: distances[name])
        return distances[name], name

    return nearest


def near_pairs(fingerprints: Sequence[Fingerprint], distance: int, most: int) -> set[Pair]:
    """Pairs (i, j), i < j, of rows whose hashes are at most `distance` bits apart in some orientation, for each row its
    `most` nearest.

    Every two rows are compared up to EXHAUSTIVE of them. Above that only those are which share, but for one bit, one of
    their bands of BAND bits: 99 % of those 40 bits apart, 75 % of those 60 bits apart.
    """
    turned = _all_orientations(fingerprints)
    if len(fingerprints) <= EXHAUSTIVE:
        blocks = _compared_all(turned, distance, most)
    else:
        blocks = _compared_banded(turned, distance)
    return {pair for near in blocks for pair in best_of_each(*near, most)}


def _all_orientations(fingerprints: Sequence[Fingerprint]) -> dict[str, np.ndarray]:
    return {name: hash_bytes([row.hash(name) for row in fingerprints]) for name in ORIENTATIONS}


def _compared_all(turned: dict[str, np.ndarray], distance: int, most: int) -> Iterator[Near]:
    """Compare every two photos, block by block: the nearest of each in each orientation."""
    upright = turned["upright"]
    # One more, because a photo is nearest to itself.
    count = min(most + 1, len(upright))
    for start in range(0, len(upright), BLOCK):
        block = upright[start : start + BLOCK]
        row = np.repeat(np.arange(len(block)), count)
        found = []
        for bits in turned.values():
            distances, others = cv2.batchDistance(block, bits, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=count)
            found.append((row + start, others.ravel().astype(np.int64), distances.ravel().astype(np.int64)))
        yield _each_once(found, distance)


def _compared_banded(turned: dict[str, np.ndarray], distance: int) -> Iterator[Near]:
    """Compare the photos that share a band, or nearly, block by block."""
    upright = turned["upright"]
    places = {name: _Bands(bits) for name, bits in turned.items()}
    for start in range(0, len(upright), BANDED_BLOCK):
        block = upright[start : start + BANDED_BLOCK]
        found = []
        for name, bits in turned.items():
            for row, other in places[name].sharing(block):
                distances = np.bitwise_count(_words(block)[row] ^ _words(bits)[other]).sum(1, dtype=np.int64)
                near = distances <= distance
                found.append((row[near] + start, other[near].astype(np.int64), distances[near]))
        yield _each_once(found, distance)


def _each_once(parts: Sequence[Near], distance: int) -> Near:
    """Of each two different photos that are so near the smallest distance."""
    row, other, distances = (np.concatenate(values) for values in zip(*parts, strict=True))
    near = (distances <= distance) & (row != other)
    row, other, distances = row[near], other[near], distances[near]
    order = np.lexsort((distances, other, row))
    row, other, distances = row[order], other[order], distances[order]
    first = (np.diff(row, prepend=-1) != 0) | (np.diff(other, prepend=-1) != 0)
    return row[first], other[first], distances[first]


def _words(hashes: np.ndarray) -> np.ndarray:
    """Hashes (n, 32), uint8, as (n, 4), uint64."""
    return hashes.view(np.uint64)


class _Bands:
    """Which photos have which bits in each band of their hashes (photos, 32), uint8."""

    def __init__(self, hashes: np.ndarray) -> None:
        bands = hashes.view(np.uint16)
        self.orders = [np.argsort(band, kind="stable").astype(np.int32) for band in bands.T]
        self.starts = [np.r_[0, np.cumsum(np.bincount(band, minlength=1 << BAND))] for band in bands.T]

    def sharing(self, hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each band the rows of `hashes` and the photos with the same bits in it, or with one other bit."""
        flips = np.r_[0, 1 << np.arange(BAND)].astype(np.uint16)
        for band, order, starts in zip(hashes.view(np.uint16).T, self.orders, self.starts, strict=True):
            wanted = (band[:, None] ^ flips).ravel().astype(np.int64)
            counts = np.minimum(starts[wanted + 1] - starts[wanted], LARGEST_BUCKET)
            row = np.repeat(np.repeat(np.arange(len(hashes)), len(flips)), counts)
            within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
            yield row, order[np.repeat(starts[wanted], counts) + within]
