"""The best few of many photos: near the optimum of all subsets, deterministic, never two of one group."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from darkroom.contracts.photo_vectors import read_vectors, write_vectors
from darkroom.framing.best_photos import best_photos, coverage_and_quality
from darkroom.framing.likeness import glance, likenesses, vector_likenesses

WITHIN = 0.95


def random_set(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos as points around a few centres, and their qualities: clusters are what greed falls for."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, 4))
    points = centres[random.integers(0, 3, count)] + random.normal(0, 0.6, (count, 4))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.exp(-distance), random.uniform(0, 1, count)


def optimum(similarity: np.ndarray, quality: np.ndarray, weight: float, count: int, groups: list[str]) -> float:
    """The largest objective of all subsets of a size, or of a smaller one where groups allow no more."""
    size = min(count, len(set(groups)))
    allowed = [
        subset for subset in combinations(range(len(groups)), size) if len({groups[one] for one in subset}) == size
    ]
    return max(coverage_and_quality(similarity, quality, weight, subset) for subset in allowed)


@pytest.mark.parametrize("seed", range(60))
def test_within_five_percent_of_the_best_of_all_subsets(seed: int) -> None:
    size, count, weight = 3 + seed % 10, 1 + seed % 6, (0.0, 0.3, 1.0, 3.0)[seed % 4]
    similarity, quality = random_set(seed, size)
    groups = [str(number % 7 if seed % 2 else number) for number in range(size)]
    chosen = best_photos(similarity, quality, weight, count, groups)
    assert len({groups[one] for one in chosen}) == len(chosen) == min(count, len(set(groups)))
    reached = coverage_and_quality(similarity, quality, weight, chosen)
    assert reached >= WITHIN * optimum(similarity, quality, weight, count, groups)


def test_an_exchange_mends_what_greed_took_too_early() -> None:
    """The photo between two clusters covers most alone, and is worth nothing once both clusters are covered."""
    similarity = np.eye(7)
    for first, second in ((0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)):
        similarity[first, second] = similarity[second, first] = 0.9
    similarity[6, :6] = similarity[:6, 6] = 0.6
    chosen = best_photos(similarity, np.zeros(7), 0.0, 2, list("abcdefg"))
    assert 6 not in chosen
    assert coverage_and_quality(similarity, np.zeros(7), 0.0, chosen) == pytest.approx(5.6 + 0.6)


def test_photos_that_must_be_in_come_first_and_count() -> None:
    similarity, quality = random_set(3, 10)
    chosen = best_photos(similarity, quality, 1.0, 4, list("aabcdefghi"), first=[1, 7])
    assert chosen[:2] == [1, 7] and len(chosen) == 4 and 0 not in chosen
    assert best_photos(similarity, quality, 1.0, 1, list("aabcdefghi"), first=[1, 0]) == [1, 0]


def test_quality_decides_between_photos_that_are_alike() -> None:
    quality = np.array([0.2, 0.5, 0.4, 0.1])
    assert sorted(best_photos(np.ones((4, 4)), quality, 1.0, 2, list("abcd"))) == [1, 2]


def test_equals_are_taken_in_order() -> None:
    assert best_photos(np.ones((4, 4)), np.ones(4), 1.0, 2, list("abcd")) == [0, 1]


def scene(ground: str, colour: str, x: int) -> Image.Image:
    picture = Image.new("RGB", (300, 200), ground)
    ImageDraw.Draw(picture).ellipse((x, 60, x + 90, 150), fill=colour)
    return picture


def test_likeness_follows_what_is_seen() -> None:
    photos = [
        scene("green", "red", 40),
        scene("green", "red", 55),
        ImageEnhance.Brightness(scene("green", "red", 40)).enhance(0.9),
        scene("green", "red", 190),
        scene("navy", "white", 40),
    ]
    alike = likenesses(np.array([glance(photo) for photo in photos]))
    assert np.allclose(np.diag(alike), 1) and np.allclose(alike, alike.T) and alike.min() >= 0
    assert min(alike[0, 1], alike[0, 2]) > alike[0, 3] > alike[0, 4]


def test_likeness_does_not_depend_on_the_size() -> None:
    photo = scene("green", "red", 40)
    small, grey = photo.resize((150, 100), Image.Resampling.BOX), ImageOps.grayscale(photo).convert("RGB")
    alike = likenesses(np.array([glance(one) for one in (photo, small, grey)]))
    assert alike[0, 1] > 0.95 > alike[0, 2]


def test_vectors_of_an_embedding_can_say_what_is_alike(tmp_path: Path) -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [-1, 0]], np.float32)
    write_vectors(tmp_path / "vectors.npy", ["a", "b", "c"], vectors)
    alike = vector_likenesses(read_vectors(tmp_path / "vectors.npy"), ["c", "b", "a"])
    assert np.allclose(alike, [[1, 0, 0], [0, 1, 0.8], [0, 0.8, 1]])
    write_vectors(tmp_path / "none.npy", [], np.zeros((0,), np.float32))
    assert read_vectors(tmp_path / "none.npy") == {}
