"""Pairs of photos that share local features: candidates where perceptual hashes are blind, as for crops.

Descriptors that agree in some of their bits (locality-sensitive hashing, Indyk and Motwani 1998) vote for their pair of
photos. A copy's features are all turned and scaled alike, so only votes that agree on turn and scale count together
(weak geometric consistency, Jegou et al. 2008), which chance votes hardly ever do.

Of each feature only its keys, angle and octave are held, and votes are counted for some of the photos at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from darkroom.photos.local_features import FEATURES, FeaturePair
from darkroom.photos.pairs import Mirrors, Pair, best_of_each

TABLES = 4
# Bits of a descriptor that make a key: about as many buckets as there are features.
FEWEST_BITS, MOST_BITS = 16, 28
# Buckets with more features than this say nothing: they hold corners that are everywhere.
LARGEST_BUCKET = 16
# Powers of two: an angle is held in 256ths of a turn.
TURNS = 16
SCALES = 16
# How the second photo of a pair is seen: as it is, or the first or the second of them mirrored.
VIEWS = 3
BINS = VIEWS * TURNS * SCALES
# About so many votes are counted at a time, 8 bytes each.
VOTES_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class _Entries:
    """Features: number of the photo, uint32; whether it is mirrored, bool; angle in 256ths of a turn, uint8; octave,
    uint8. All have shape (features,)."""

    photo: np.ndarray
    mirrored: np.ndarray
    angle: np.ndarray
    octave: np.ndarray

    def __getitem__(self, some: slice | np.ndarray) -> "_Entries":
        return _Entries(*(getattr(self, field.name)[some] for field in fields(self)))


@dataclass(frozen=True)
class _Table:
    """The features that share a key with others, side by side, each key's in the order of photos.

    `behind` (features,), uint8: how many of the same key come behind each.
    """

    entries: _Entries
    behind: np.ndarray


def shared_features(features: Iterable[FeaturePair], photos: int, votes: int, most: int) -> dict[Pair, Mirrors]:
    """Pairs (i, j), i < j, of photos that share at least `votes` features, for each photo its `most` best at the most.

    `features` gives those of each of so many photos, upright and mirrored, and is read once. The result depends on
    nothing but their order. With each pair comes in which mirrors they share so many.
    """
    tables = _tables(features, photos)
    counted = [_strongest(_ballots(tables, low, high, photos), votes) for low, high in _blocks(tables, photos)]
    if not counted:
        return {}
    pairs, mirrored, count = (np.concatenate(parts) for parts in zip(*counted, strict=True))
    first, second = pairs // photos, pairs % photos
    chosen = best_of_each(np.r_[first, second], np.r_[second, first], -np.r_[count, count], most)
    mirrors: dict[Pair, Mirrors] = dict.fromkeys(chosen, frozenset())
    for pair, way in zip(zip(first.tolist(), second.tolist(), strict=True), mirrored.tolist(), strict=True):
        if pair in mirrors:
            mirrors[pair] |= {way}
    return mirrors


def _tables(features: Iterable[FeaturePair], photos: int) -> list[_Table]:
    """Every feature by each table's keys."""
    most = max(1, 2 * FEATURES * photos)
    bits = _bits(most)
    # As long as could be: memory that is not written to is not taken.
    keys = np.empty((TABLES, most), np.uint32)
    entries = _Entries(*(np.empty(most, kind) for kind in (np.uint32, np.bool_, np.uint8, np.uint8)))
    end = 0
    for number, both in enumerate(features):
        for mirrored, part in enumerate(both):
            start, end = end, end + min(FEATURES, len(part.descriptors))
            count = end - start
            keys[:, start:end] = _keys(part.descriptors[:count], bits)
            entries.photo[start:end] = number
            entries.mirrored[start:end] = mirrored
            entries.angle[start:end] = (part.angles[:count] % 360 / 360 * 256).astype(np.uint8)
            entries.octave[start:end] = part.octaves[:count]
    return [_table(some, entries[:end]) for some in keys[:, :end]]


def _bits(features: int) -> np.ndarray:
    """The bits that make the keys of each table, (TABLES, bits), always the same for as many features."""
    count = int(np.clip(round(np.log2(features)), FEWEST_BITS, MOST_BITS))
    random = np.random.default_rng(0)
    return np.stack([np.sort(random.choice(256, count, replace=False)) for _ in range(TABLES)])


def _keys(descriptors: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Some bits of descriptors (n, 32), uint8, as one number for each table, (TABLES, n), uint32."""
    chosen = np.zeros((len(descriptors), TABLES, 32), np.uint8)
    chosen[:, :, : bits.shape[1]] = np.unpackbits(descriptors, axis=1)[:, bits]
    return np.packbits(chosen, axis=2).view(np.uint32)[:, :, 0].T


def _table(keys: np.ndarray, entries: _Entries) -> _Table:
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    last = np.flatnonzero(np.r_[keys[1:] != keys[:-1], True]) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(last, prepend=-1)
    useful = (sizes > 1) & (sizes <= LARGEST_BUCKET)
    order = order[np.repeat(useful, sizes)]
    sizes = sizes[useful]
    behind = np.repeat(np.cumsum(sizes), sizes) - 1 - np.arange(len(order))
    return _Table(entries[order], behind.astype(np.uint8))


def _blocks(tables: Sequence[_Table], photos: int) -> Iterator[tuple[int, int]]:
    """Photos low to high, without high, that are the first of about VOTES_AT_ONCE votes."""
    cast = sum(np.bincount(table.entries.photo, table.behind, photos) for table in tables)
    block = np.cumsum(cast) // VOTES_AT_ONCE
    bounds = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), photos]
    yield from pairwise(bounds)


def _ballots(tables: Sequence[_Table], low: int, high: int, photos: int) -> np.ndarray:
    """The votes for pairs of photos whose first one is among low to high, as one number each: pair and bin."""
    parts = [np.zeros(0, np.int64)]
    for table in tables:
        parts += [_votes(table, first, first + step, photos) for first, step in _firsts(table, low, high)]
    return np.concatenate(parts)


def _firsts(table: _Table, low: int, high: int) -> Iterator[tuple[np.ndarray, int]]:
    """The places of features of these photos, for each step to another one of the same key."""
    first = np.flatnonzero((table.entries.photo >= low) & (table.entries.photo < high))
    for step in range(1, LARGEST_BUCKET):
        first = first[table.behind[first] >= step]
        if len(first) == 0:
            return
        yield first, step


def _votes(table: _Table, first: np.ndarray, second: np.ndarray, photos: int) -> np.ndarray:
    """Pair and bin, as one number, for pairs of features: mirrored with mirrored, and of one photo, are left out."""
    one, other = table.entries[first], table.entries[second]
    keep = (one.photo != other.photo) & ~(one.mirrored & other.mirrored)
    one, other = one[keep], other[keep]
    pair = one.photo.astype(np.int64) * photos + other.photo
    view = one.mirrored + 2 * other.mirrored.astype(np.int64)
    turn = (other.angle - one.angle) // (256 // TURNS)
    scale = np.clip(other.octave.astype(np.int64) - one.octave + SCALES // 2, 0, SCALES - 1)
    return ((pair * VIEWS + view) * TURNS + turn) * SCALES + scale


def _strongest(cast: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs with at least so many votes in two neighbouring turns and two neighbouring scales of one view, whether
    one of them is mirrored in it, and how many votes that are at the most: all (views,), int64, bool, int64."""
    _, place, count = np.unique(cast // BINS, return_inverse=True, return_counts=True)
    bins, count = np.unique(cast[count[place] >= least], return_counts=True)
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
    views, place = np.unique(windows // ((SCALES + 1) * TURNS), return_inverse=True)
    best = np.zeros(len(views), np.int64)
    np.maximum.at(best, place, sums)
    views, best = views[best >= least], best[best >= least]
    return views // VIEWS, views % VIEWS > 0, best
