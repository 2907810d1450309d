"""Candidates for copies: none missed among few photos, hardly one among many, and never too many."""

import numpy as np
import pytest

from darkroom.photos import feature_index, hash_neighbours
from darkroom.photos.feature_index import shared_features
from darkroom.photos.fingerprints import Fingerprint
from darkroom.photos.hash_neighbours import near_pairs
from darkroom.photos.local_features import FEATURES, FeaturePair, Features
from darkroom.photos.pairs import best_of_each


def rows(hashes: np.ndarray) -> list[Fingerprint]:
    """Rows of fingerprints.csv from hashes (photos, 8, 32), uint8."""
    return [Fingerprint(str(number), *(bytes(one).hex() for one in eight)) for number, eight in enumerate(hashes)]


def flipped(hashed: np.ndarray, bits: int, random: np.random.Generator) -> np.ndarray:
    """A hash (32,), uint8, with so many bits changed."""
    change = np.zeros(256, np.uint8)
    change[random.choice(256, bits, replace=False)] = 1
    return hashed ^ np.packbits(change)


@pytest.fixture
def near() -> np.ndarray:
    """Twenty random hashes, two of which are near others."""
    random = np.random.default_rng(3)
    hashes = random.integers(0, 256, (20, 8, 32), dtype=np.uint8)
    hashes[11, 0] = hashes[4, 5]
    hashes[19, 2, :-1] = hashes[0, 0, :-1]
    return hashes


def test_near_pairs_are_all_pairs_that_are_near(near: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_neighbours, "BLOCK", 7)
    for distance in (0, 8, 110, 120):
        is_near = np.array([[np.bitwise_count(a[0] ^ b).sum(axis=1).min() for b in near] for a in near]) <= distance
        wanted = {(min(i, j), max(i, j)) for i in range(20) for j in range(20) if i != j and is_near[i, j]}
        assert near_pairs(rows(near), distance, 20) == wanted
    assert near_pairs(rows(near), 8, 20) == {(0, 19), (4, 11)} and near_pairs([], 90, 20) == set()


def test_banding_finds_what_comparing_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies 40 bits away are hardly ever missed, whatever their orientation, and no pair is made up."""
    random = np.random.default_rng(5)
    hashes = random.integers(0, 256, (400, 8, 32), dtype=np.uint8)
    for copy in range(200, 400):
        hashes[copy, copy % 8] = flipped(hashes[copy - 200, 0], 40, random)
    wanted = near_pairs(rows(hashes), 60, 20)
    assert {(copy - 200, copy) for copy in range(200, 400)} <= wanted
    monkeypatch.setattr(hash_neighbours, "EXHAUSTIVE", 0)
    monkeypatch.setattr(hash_neighbours, "BANDED_BLOCK", 64)
    found = near_pairs(rows(hashes), 60, 20)
    assert found <= wanted and len(found) >= 0.97 * len(wanted)
    assert near_pairs([], 90, 20) == set()


@pytest.mark.parametrize("exhaustive", [0, 1000])
def test_photos_that_are_all_alike_are_no_crowd(exhaustive: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames of a film that stands still: each has few candidates, and together they hang on one."""
    monkeypatch.setattr(hash_neighbours, "EXHAUSTIVE", exhaustive)
    pairs = near_pairs(rows(np.zeros((600, 8, 32), np.uint8)), 90, 5)
    assert len(pairs) <= 5 * 600
    assert {other for first, other in pairs if first == 0} == set(range(1, 600))


def test_best_of_each_takes_the_cheapest_then_the_first() -> None:
    photo, other, cost = np.array([[7, 4, 3], [7, 2, 3], [7, 1, 1], [7, 8, 9], [1, 7, 4]]).T
    assert best_of_each(photo, other, cost, 2) == {(1, 7), (2, 7)}
    assert best_of_each(*np.zeros((3, 0), np.int64), 2) == set()


def some_features(random: np.random.Generator, count: int = 200) -> Features:
    return Features(
        np.zeros((count, 2), np.float32),
        random.integers(0, 256, (count, 32), dtype=np.uint8),
        (random.random(count) * 360).astype(np.float32),
        random.integers(0, 8, count, dtype=np.uint8),
    )


def turned(features: Features, degrees: float, keep: int) -> Features:
    """So many of the features, turned and one octave coarser."""
    return Features(
        features.points[:keep],
        features.descriptors[:keep],
        (features.angles[:keep] + degrees) % 360,
        features.octaves[:keep] + 1,
    )


@pytest.fixture(scope="module")
def shelf() -> list[FeaturePair]:
    """Thirty photos without anything in common, a turned crop of one, a mirrored crop of another, and an empty one."""
    random = np.random.default_rng(1)
    photos = [(some_features(random), some_features(random)) for _ in range(30)]
    photos.append((turned(photos[3][0], 47, 30), some_features(random)))
    photos.append((turned(photos[8][1], 200, 30), some_features(random)))
    nothing = some_features(random, 0)
    return [*photos, (nothing, nothing)]


def test_crops_share_features_with_their_originals(shelf: list[FeaturePair]) -> None:
    assert shared_features(shelf, len(shelf), 4, 20) == {(3, 30): {False}, (8, 31): {True}}
    assert shared_features(shelf, len(shelf), 10_000, 20) == shared_features([], 0, 4, 20) == {}


def test_shared_features_must_be_turned_and_scaled_alike(shelf: list[FeaturePair]) -> None:
    random = np.random.default_rng(2)
    photo = shelf[3][0]
    shuffled = Features(
        photo.points,
        photo.descriptors,
        (random.random(200) * 360).astype(np.float32),
        random.integers(0, 8, 200, dtype=np.uint8),
    )
    apart = [*shelf[:30], (shuffled, shelf[3][1])]
    assert (3, 30) not in shared_features(apart, len(apart), 100, 20)
    assert (3, 30) in shared_features([*apart[:30], shelf[3]], len(apart), 100, 20)


def test_votes_are_the_same_in_any_number_of_passes(shelf: list[FeaturePair], monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [*shelf, *shelf[::-1], *shelf[10:20]]
    at_once = shared_features(crowd, len(crowd), 4, 3)
    monkeypatch.setattr(feature_index, "VOTES_AT_ONCE", 100)
    assert shared_features(crowd, len(crowd), 4, 3) == at_once and len(at_once) > 30


def test_more_features_than_asked_for_are_no_matter() -> None:
    random = np.random.default_rng(4)
    many = some_features(random, FEATURES + 7)
    assert shared_features([(many, many), (many, many)], 2, 4, 20) == {(0, 1): {False, True}}
