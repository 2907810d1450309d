"""Pairs of photos by their numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from darkroom.photo_folder.photo_table import PhotoFile, readable_photos
from darkroom.photos.ranks import ranks

Pair = tuple[int, int]
# In which mirrors the second photo of a pair may lie in the first: as it is (False), mirrored (True), or either.
Mirrors = frozenset[bool]
EITHER: Mirrors = frozenset((False, True))
# Each way to propose pairs names so many others for a photo at the most, the likeliest.
MOST = 20


@dataclass(frozen=True)
class Neighbour:
    """A row of neighbours.csv: a pair of photos and the cosine of their vectors."""

    photo: str
    other: str
    similarity: float


def numbered(files: Iterable[PhotoFile]) -> list[PhotoFile]:
    """The readable photos in the order that numbers them: no name takes part in it."""
    return sorted(readable_photos(files).values(), key=lambda photo: photo.photo)


def in_order(first: int, second: int) -> Pair:
    """A pair with the smaller number first."""
    return min(first, second), max(first, second)


def best_of_each(photo: np.ndarray, other: np.ndarray, cost: np.ndarray, most: int) -> set[Pair]:
    """For each photo its `most` cheapest others, as pairs in order.

    All have shape (pairs,). Of others that cost the same, those with the smaller numbers come first.
    """
    order = np.lexsort((other, cost, photo))
    photo, other = photo[order], other[order]
    rank = ranks(photo)
    photo, other = photo[rank < most], other[rank < most]
    return set(zip(np.minimum(photo, other).tolist(), np.maximum(photo, other).tolist(), strict=True))
