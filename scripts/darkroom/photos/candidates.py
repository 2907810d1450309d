"""Candidates: pairs of photos worth a closer look."""

from collections.abc import Iterable, Sequence

from darkroom.config.photos import DuplicateSettings
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos.capture_times import seconds_between
from darkroom.photos.feature_index import shared_features
from darkroom.photos.fingerprints import Fingerprint
from darkroom.photos.hash_neighbours import near_pairs
from darkroom.photos.local_features import FeaturePair
from darkroom.photos.pairs import MOST, Mirrors, Neighbour, Pair, in_order


def propose_pairs(
    photos: Sequence[PhotoFile],
    fingerprints: Sequence[Fingerprint],
    features: Iterable[FeaturePair],
    settings: DuplicateSettings,
) -> dict[Pair, Mirrors]:
    """Pairs of row numbers worth aligning: with near hashes, shared features, or taken within a burst's time.

    `photos`, `fingerprints` and `features` are in one order, in which names take no part; `features` is read once. With
    each pair comes in which mirrors it shares features; none where something else proposed it.
    """
    shared = shared_features(features, len(photos), settings.min_shared_features, MOST)
    others = near_pairs(fingerprints, settings.hash_distance, MOST) | taken_together(photos, settings.burst_seconds)
    return dict.fromkeys(others, frozenset[bool]()) | shared


def listed_pairs(photos: Sequence[PhotoFile], neighbours: Iterable[Neighbour]) -> set[Pair]:
    """Pairs of row numbers of the photos of neighbours.csv."""
    numbers = {photo.photo: number for number, photo in enumerate(photos)}
    return {in_order(numbers[row.photo], numbers[row.other]) for row in neighbours}


def taken_together(photos: Sequence[PhotoFile], burst_seconds: float) -> set[Pair]:
    """Pairs of row numbers of photos taken within so many seconds, for each photo the next MOST.

    A clock that stands still says nothing.
    """
    timed = sorted((photo.taken_at, number) for number, photo in enumerate(photos) if photo.taken_at)
    pairs = set()
    for index, (_, number) in enumerate(timed):
        for _, later in timed[index + 1 : index + 1 + MOST]:
            if (seconds_between(photos[number], photos[later]) or 0.0) > burst_seconds:
                break
            pairs.add(in_order(number, later))
    return pairs
