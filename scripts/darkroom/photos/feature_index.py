"""Pairs of photos that share local features: candidates where perceptual hashes are blind, as for crops.

Descriptors that agree in some of their bits (locality-sensitive hashing, Indyk and Motwani 1998) vote for their pair of
photos. A copy's features are all turned and scaled alike, so only votes that agree on turn and scale count together
(weak geometric consistency, Jegou et al. 2008), which chance votes hardly ever do.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from darkroom.photos.local_features import Features

TABLES = 4
# Bits of a descriptor that make a key: about as many buckets as there are features.
FEWEST_BITS, MOST_BITS = 16, 28
# Buckets with more features than this say nothing: they hold corners that are everywhere.
LARGEST_BUCKET = 16
TURNS = 16
SCALES = 16
# How the second photo of a pair is seen: as it is, or the first or the second of them mirrored.
VIEWS = 3
BINS = VIEWS * TURNS * SCALES


@dataclass(frozen=True)
class _Entries:
    """All features of all photos: number of the photo, whether it is mirrored, angle in degrees, octave."""

    photo: np.ndarray
    mirrored: np.ndarray
    angle: np.ndarray
    octave: np.ndarray


def shared_features(features: Sequence[tuple[Features, Features]], votes: int, most: int) -> set[tuple[int, int]]:
    """Pairs (i, j), i < j, of photos that share at least `votes` features, for each photo its `most` best at the most.

    `features` holds those of each photo, upright and mirrored. The result depends on nothing but their order.
    """
    found = _votes(features, votes)
    best: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (first, second), count in found.items():
        best[first].append((-count, second))
        best[second].append((-count, first))
    return {
        (min(photo, other), max(photo, other)) for photo, others in best.items() for _, other in sorted(others)[:most]
    }


def _votes(features: Sequence[tuple[Features, Features]], least: int) -> dict[tuple[int, int], int]:
    """How many features agree on one turn and scale, for each pair with at least `least` of them."""
    photos = len(features)
    parts = [*(upright for upright, _ in features), *(mirrored for _, mirrored in features)]
    counts = [len(part.descriptors) for part in parts]
    if sum(counts) == 0:
        return {}
    owners = np.repeat(np.arange(2 * photos), counts)
    descriptors = np.concatenate([part.descriptors for part in parts])
    entries = _Entries(
        (owners % photos).astype(np.int64),
        owners >= photos,
        np.concatenate([part.angles for part in parts]),
        np.concatenate([part.octaves for part in parts]).astype(np.int64),
    )
    cast = np.concatenate(
        [np.concatenate(list(_table(descriptors, entries, bits, photos))) for bits in _bits(len(owners))]
    )
    return _strongest(cast, photos, least)


def _bits(features: int) -> Iterator[np.ndarray]:
    """The bits that make the keys of each table, always the same for as many features."""
    count = int(np.clip(round(np.log2(max(features, 2))), FEWEST_BITS, MOST_BITS))
    random = np.random.default_rng(0)
    for _ in range(TABLES):
        yield np.sort(random.choice(256, count, replace=False))


def _keys(descriptors: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Some bits of descriptors (n, 32), uint8, as one number each (n,), uint32."""
    keys = np.zeros(len(descriptors), np.uint32)
    for place, bit in enumerate(bits):
        keys |= ((descriptors[:, bit // 8] >> (7 - bit % 8)) & 1).astype(np.uint32) << np.uint32(place)
    return keys


def _table(descriptors: np.ndarray, entries: _Entries, bits: np.ndarray, photos: int) -> Iterator[np.ndarray]:
    """The votes of one table: pair and bin of each two features of different photos with the same key."""
    yield np.zeros(0, np.int64)
    keys = _keys(descriptors, bits)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    size = np.repeat(sizes, sizes)
    useful = (size > 1) & (size <= LARGEST_BUCKET)
    keys, order = keys[useful], order[useful]
    for step in range(1, LARGEST_BUCKET):
        same = np.flatnonzero(keys[step:] == keys[:-step])
        if len(same) == 0:
            return
        yield _cast(entries, order[same], order[same + step], photos)


def _cast(entries: _Entries, first: np.ndarray, second: np.ndarray, photos: int) -> np.ndarray:
    """Pair and bin, as one number, for pairs of features: mirrored with mirrored, and of one photo, are left out."""
    keep = (entries.photo[first] != entries.photo[second]) & ~(entries.mirrored[first] & entries.mirrored[second])
    first, second = first[keep], second[keep]
    turned = entries.photo[first] > entries.photo[second]
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    pair = entries.photo[first] * photos + entries.photo[second]
    view = entries.mirrored[first] + 2 * entries.mirrored[second].astype(np.int64)
    turn = ((entries.angle[second] - entries.angle[first]) % 360 / (360 / TURNS)).astype(np.int64) % TURNS
    scale = np.clip(entries.octave[second] - entries.octave[first] + SCALES // 2, 0, SCALES - 1)
    return ((pair * VIEWS + view) * TURNS + turn) * SCALES + scale


def _strongest(cast: np.ndarray, photos: int, least: int) -> dict[tuple[int, int], int]:
    """The largest sum of votes of each pair in two neighbouring turns and two neighbouring scales of one view."""
    pairs, place, count = np.unique(cast // BINS, return_inverse=True, return_counts=True)
    cast = cast[count[place] >= least]
    bins, count = np.unique(cast, return_counts=True)
    turn, scale = bins // SCALES % TURNS, bins % SCALES
    base = bins - turn * SCALES - scale
    # A bin counts for itself and for those before it, so that what lies on an edge is not divided.
    spread = [
        (base // (TURNS * SCALES) * TURNS + (turn - back) % TURNS) * (SCALES + 1) + scale + 1 - finer
        for back in (0, 1)
        for finer in (0, 1)
    ]
    windows, place = np.unique(np.concatenate(spread), return_inverse=True)
    sums = np.bincount(place, np.tile(count, len(spread))).astype(np.int64)
    pairs, place = np.unique(windows // ((SCALES + 1) * TURNS * VIEWS), return_inverse=True)
    best = np.zeros(len(pairs), np.int64)
    np.maximum.at(best, place, sums)
    return {
        (int(pair // photos), int(pair % photos)): int(votes)
        for pair, votes in zip(pairs, best, strict=True)
        if votes >= least
    }
