"""Which frames a step sees, and that every random draw has its key."""

from collections import Counter

import pytest
import torch

from darkroom.training.batch_order import BatchOrder, prior_samples
from darkroom.training.keyed_random import normal_at, uniform_at

BUCKETS = {f"frame-{number}": ((64, 64) if number % 3 else (48, 80)) for number in range(13)}


@pytest.mark.parametrize("batch", [1, 2, 4, 9, 13, 20])
def test_all_frames_are_shown_equally_often(batch: int) -> None:
    order = BatchOrder(BUCKETS, batch, 0, "frame")
    for start in (0, len(BUCKETS)):
        batches = [order.frames_of(start + step) for step in range(1, len(BUCKETS) + 1)]
        assert all(len(frames) == batch for frames in batches)
        assert Counter(frame for frames in batches for frame in frames) == dict.fromkeys(BUCKETS, batch)


@pytest.mark.parametrize("batch", [2, 4, 5])
def test_batches_are_of_one_bucket_and_show_no_frame_twice(batch: int) -> None:
    """One bucket has 8 frames, the other 5."""
    order = BatchOrder(BUCKETS, batch, 0, "frame")
    for step in range(1, 100):
        frames = order.frames_of(step)
        assert len({BUCKETS[frame] for frame in frames}) == 1
        assert len(set(frames)) == batch


def test_buckets_that_fill_no_batch_are_joined() -> None:
    small = {f"small-{number}": (164 + number // 2, 64) for number in range(5)}
    order = BatchOrder(BUCKETS | small, 4, 0, "frame")
    batches = [order.frames_of(step) for step in range(1, 19)]
    assert sum(set(frames) <= set(small) for frames in batches) == 5
    assert all(len(set(frames)) == 4 for frames in batches)


def test_every_epoch_shows_about_as_much_of_each_bucket_as_it_holds() -> None:
    """Three resolutions of two shapes each, 7 frames of each bucket: in the 11 steps of an epoch 1 to 3 batches."""
    shapes = {f"{side}-{n}": (side, side if n % 2 else 2 * side) for side in (64, 96, 128) for n in range(14)}
    order = BatchOrder(shapes, 4, 0, "frame")
    buckets = [shapes[order.frames_of(step)[0]] for step in range(1, 8 * 42)]
    for start in range(0, len(buckets) - 11, 11):
        shown = Counter(buckets[start : start + 11])
        assert set(shown) == set(shapes.values()) and max(shown.values()) <= 3


def test_order_depends_on_the_seed_and_not_on_the_way_to_the_step() -> None:
    order, other = BatchOrder(BUCKETS, 4, 0, "frame"), BatchOrder(BUCKETS, 4, 0, "frame")
    forward = [order.frames_of(step) for step in range(1, 30)]
    backward = [other.frames_of(step) for step in range(29, 0, -1)][::-1]
    assert forward == backward
    assert forward != [BatchOrder(BUCKETS, 4, 1, "frame").frames_of(step) for step in range(1, 30)]


def test_adding_no_frame_twice_in_an_epoch_of_whole_batches() -> None:
    order = BatchOrder({f"f{number}": (8, 8) for number in range(8)}, 4, 3, "frame")
    assert Counter(order.frames_of(1) + order.frames_of(2)) == Counter(f"f{number}" for number in range(8))


def test_prior_samples_keep_their_share() -> None:
    numbers = [number for step in range(1, 101) for number in prior_samples(step, 1, 0.3)]
    assert numbers == list(range(30))
    assert list(prior_samples(5, 4, 0.5)) == [8, 9]


def test_draws_are_decided_by_their_address() -> None:
    assert torch.equal(normal_at((2, 3), 0, 5, "frame 1", "noise"), normal_at((2, 3), 0, 5, "frame 1", "noise"))
    assert not torch.equal(normal_at((2, 3), 0, 5, "frame 1", "noise"), normal_at((2, 3), 0, 5, "frame 2", "noise"))
    assert 0 <= uniform_at(0, 1, "mirror") < 1
