"""Buckets: their sizes, windows that hold the subject's box, and photos assigned together."""

import math
from itertools import product
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.config.framing import CropSettings
from darkroom.framing.bucket_assignment import EXACT, _fullest, assign_buckets, objective
from darkroom.framing.buckets import (
    View,
    bucket_sizes,
    choose_crop,
    choose_crops,
    crop_costs,
    place_window,
    target_buckets,
    whole_pixels,
)

SDXL = CropSettings()
# The formats of cameras and phones, most of them upright or across alike.
FORMATS = (
    (6000, 4000),
    (4000, 6000),
    (3024, 4032),
    (4032, 3024),
    (3000, 3000),
    (3840, 2160),
    (2160, 3840),
    (2400, 3000),
)


@pytest.mark.parametrize(
    ("resolution", "step", "aspect"), [(1024, 64, 2.0), (768, 32, 3.0), (64, 16, 1.7), (64, 8, 1.0)]
)
def test_bucket_sizes(resolution: int, step: int, aspect: float) -> None:
    sizes = bucket_sizes(resolution, step, aspect)
    assert sizes[0] == (resolution, resolution)
    for width, height in sizes:
        assert width % step == height % step == 0 and (height, width) in sizes
        assert width * height <= resolution**2 and max(width, height) <= aspect * min(width, height)


@pytest.mark.parametrize("photo", [(4000, 3000), (3000, 4000), (1500, 1500), (6000, 4000), (1920, 1080), (5000, 1200)])
def test_crop_fits_photo_and_bucket(photo: tuple[int, int]) -> None:
    crop = choose_crop(photo, None, SDXL)
    assert crop is not None
    width, height = crop.x1 - crop.x0, crop.y1 - crop.y0
    assert crop.x0 >= 0 and crop.y0 >= 0 and crop.x1 <= photo[0] and crop.y1 <= photo[1]
    assert width >= crop.bucket[0] and height >= crop.bucket[1]
    assert math.log(width / height) == pytest.approx(math.log(crop.bucket[0] / crop.bucket[1]), abs=0.002)
    assert width == photo[0] or height == photo[1]


def test_no_upscaling_unless_asked() -> None:
    assert choose_crop((900, 900), None, SDXL) is None
    crop = choose_crop((900, 900), None, SDXL.model_copy(update={"upscale": True}))
    assert crop is not None and crop.bucket == (1024, 1024)
    smaller = choose_crop((960, 1400), None, SDXL)
    assert smaller is not None and smaller.bucket[0] <= 960 and smaller.bucket[1] <= 1400


@st.composite
def views(draw: st.DrawFn, least: int = 1, most: int = 9) -> list[View]:
    """Photos of any shape and size from too small on, most of them with a subject's box anywhere."""
    found = []
    for number in range(draw(st.integers(least, most))):
        width, height = draw(st.integers(700, 4000)), draw(st.integers(700, 4000))
        box = None
        if draw(st.integers(0, 4)):
            x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
            box = x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
        found.append(View(f"{number}", (0, 0, width, height), box))
    return found


@settings(max_examples=150, deadline=None)
@given(views(), st.integers(1, 4))
def test_a_box_is_whole_where_it_can_be_and_nothing_is_enlarged(photos: list[View], batch: int) -> None:
    crops = choose_crops(photos, SDXL, batch)
    for view in photos:
        alone = [place_window(view, bucket) for bucket in target_buckets(SDXL)]
        fitting = [
            crop for crop in alone if crop.x1 - crop.x0 >= crop.bucket[0] and crop.y1 - crop.y0 >= crop.bucket[1]
        ]
        crop = crops.get(view.frame)
        assert (crop is None) == (not fitting)
        if crop is None:
            continue
        assert crop in fitting
        assert 0 <= crop.x0 < crop.x1 <= view.size[0] and 0 <= crop.y0 < crop.y1 <= view.size[1]
        if view.box is not None and any(other.cut == 0 for other in fitting):
            x0, y0, x1, y1 = view.box
            assert crop.x0 <= x0 and crop.y0 <= y0 and crop.x1 >= x1 and crop.y1 >= y1


@settings(max_examples=200, deadline=None)
@given(views(1, 1), st.integers(0, 2**32))
def test_no_place_of_a_window_cuts_less_of_the_box(photos: list[View], seed: int) -> None:
    view = photos[0]
    for bucket in target_buckets(SDXL)[:: 1 + seed % 5]:
        crop = place_window(view, bucket)
        box = view.box or (0, 0, 1, 1)
        width, height = min(crop.x1 - crop.x0, box[2] - box[0]), min(crop.y1 - crop.y0, box[3] - box[1])
        assert view.box is None or crop.cut == (box[2] - box[0]) * (box[3] - box[1]) - width * height


def by_brute_force(costs: np.ndarray, batch: int) -> tuple[int, int, int]:
    """The least objective of all assignments."""
    allowed = [np.flatnonzero(np.isfinite(row)) for row in costs]
    return min(objective(costs, np.array(buckets), batch) for buckets in product(*allowed))


@settings(max_examples=60, deadline=None)
@given(views(2, 7), st.integers(2, 4))
def test_the_assignment_is_the_best_of_all(photos: list[View], batch: int) -> None:
    """Against all assignments to those few buckets that a brute force can walk through."""
    costs = crop_costs(photos, SDXL)
    costs = costs[np.isfinite(costs).any(axis=1)]
    cheapest = np.where(np.isfinite(costs), costs, 1e9).sum(axis=0).argsort()[:3]
    own = costs.argmin(axis=1)[:1] if len(costs) else []
    few = costs[:, sorted({*cheapest.tolist(), *[int(bucket) for bucket in own]})]
    few = few[np.isfinite(few).any(axis=1)]
    if len(few):
        assert objective(few, assign_buckets(few, batch), batch) == by_brute_force(few, batch)


def any_costs(count: int, size: int, seed: int) -> np.ndarray:
    """Costs of any kind, many buckets forbidden."""
    random = np.random.default_rng(seed)
    costs = random.integers(0, 1000, (count, size)).astype(float)
    costs[random.random(costs.shape) < 0.4] = np.inf
    costs[np.arange(count), random.integers(0, size, count)] = 500
    return costs


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 7), st.integers(2, 4), st.integers(2, 4), st.integers(0, 2**32))
def test_any_costs_and_forbidden_buckets(count: int, size: int, batch: int, seed: int) -> None:
    costs = any_costs(count, size, seed)
    assert objective(costs, assign_buckets(costs, batch), batch) == by_brute_force(costs, batch)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 7), st.integers(2, 4), st.integers(2, 4), st.integers(0, 2**32))
def test_the_integer_programme_fills_batches(count: int, size: int, batch: int, seed: int) -> None:
    costs = any_costs(count, size, seed)
    found = _fullest(costs, batch)
    assert found is not None and np.isfinite(costs[np.arange(count), found]).all()
    assert objective(costs, found, batch)[:2] == by_brute_force(costs, batch)[:2]


def camera_views(count: int, seed: int) -> list[View]:
    random = np.random.default_rng(seed)
    sizes = [FORMATS[number] for number in random.integers(0, len(FORMATS), count)]
    return [
        View(f"{seed} {number}", (0, 0, int(width * random.uniform(0.9, 1)), height))
        for number, (width, height) in enumerate(sizes)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_transfers_find_what_all_partitions_find(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above EXACT photos transfers decide: batches are as full as can be, and photos lose hardly more."""
    costs = crop_costs(camera_views(EXACT, seed), SDXL)
    costs[np.random.default_rng(seed).random(costs.shape) < 0.05 * seed] = np.inf
    exact = objective(costs, assign_buckets(costs, 4), 4)
    monkeypatch.setattr("darkroom.framing.bucket_assignment.EXACT", 0)
    found = objective(costs, assign_buckets(costs, 4), 4)
    assert found[:2] == exact[:2] and exact[2] <= found[2] <= 1.2 * exact[2]


@pytest.mark.parametrize(("count", "batch"), [(20, 2), (30, 4), (50, 4), (103, 8), (400, 4)])
def test_only_the_remainder_is_outside_full_batches(count: int, batch: int) -> None:
    photos = camera_views(count, 1)
    crops = choose_crops(photos, SDXL, batch)
    buckets = [crop.bucket for crop in crops.values()]
    left = [buckets.count(bucket) % batch for bucket in set(buckets)]
    assert sum(left) == count % batch and sum(number > 0 for number in left) <= 1
    shuffled = [photos[place] for place in np.random.default_rng(0).permutation(count)]
    assert choose_crops(shuffled, SDXL, batch) == crops


def test_a_photo_loses_no_more_than_allowed_for_a_batch() -> None:
    """One photo across among upright ones joins their batch only as far as `max_loss` lets it."""
    photos = [View(str(number), (0, 0, 2000, 3000)) for number in range(3)] + [View("across", (0, 0, 3000, 2000))]
    shapes = {limit: choose_crops(photos, SDXL.model_copy(update={"max_loss": limit}), 4) for limit in (0.1, 0.4)}
    assert shapes[0.1]["across"].bucket[0] > shapes[0.1]["across"].bucket[1]
    assert len({crop.bucket for crop in shapes[0.4].values()}) == 1
    assert max(crop.loss for crop in shapes[0.4].values()) <= 0.4


def test_equal_photos_stay_where_they_are_when_one_joins() -> None:
    """An added photo moves few others: at most a batch changes its bucket."""
    photos = [View(str(number), (0, 0, 4032, 3024)) for number in range(40)]
    photos += [View(f"upright {number}", (0, 0, 2000, 3000)) for number in range(23)]
    before = choose_crops(photos, SDXL, 4)
    after = choose_crops([*photos, View("new", (0, 0, 2000, 3000))], SDXL, 4)
    assert sum(after[frame] != crop for frame, crop in before.items()) <= 4


def test_ten_thousand_photos() -> None:
    began = perf_counter()
    photos = camera_views(10_000, 3)
    crops = choose_crops(photos, SDXL, 8)
    counts = np.unique([f"{crop.bucket}" for crop in crops.values()], return_counts=True)[1]
    print(f"10,000 photos in {perf_counter() - began:.1f} s")
    assert len(crops) == 10_000 and (counts % 8).sum() == 0


def test_a_users_box_may_reach_over_the_edge() -> None:
    assert whole_pixels((-5.0, 2.5, 5000.0, 9.1), (0, 0, 100, 50)) == (0, 2, 100, 10)
    assert whole_pixels((200.0, 200.0, 300.0, 300.0), (0, 0, 100, 50)) == (99, 49, 100, 50)
