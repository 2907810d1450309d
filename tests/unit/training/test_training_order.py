"""Which frames a step sees, and that every random draw has its address."""

from collections import Counter
from itertools import groupby

import pytest
import torch

from darkroom.training.batch_order import BatchOrder, prior_samples
from darkroom.training.random_address import normal_at, uniform_at

BUCKETS = {f"frame-{number}": ((64, 64) if number % 3 else (48, 80)) for number in range(13)}


@pytest.mark.parametrize("batch", [1, 2, 4, 13, 20])
def test_every_epoch_shows_every_frame(batch: int) -> None:
    order = BatchOrder(BUCKETS, batch, 0, "frame")
    steps = -(-len(BUCKETS) // batch)
    for epoch in range(3):
        batches = [order.frames_of(epoch * steps + step) for step in range(1, steps + 1)]
        assert all(len(frames) == batch for frames in batches)
        assert {frame for frames in batches for frame in frames} == set(BUCKETS)


def test_batches_are_of_one_bucket_as_far_as_they_can_be_filled() -> None:
    order = BatchOrder(BUCKETS, 4, 0, "frame")
    mixed = sum(1 for step in range(1, 5) if len({BUCKETS[frame] for frame in order.frames_of(step)}) > 1)
    assert mixed <= 1


def test_resolutions_are_mixed_and_their_batches_are_full() -> None:
    """Three resolutions of two shapes each: what their buckets leave is joined, and none waits for another.

    Of the five joined batches the last has the two frames that were left of its bucket, and two more of it.
    """
    shapes = {f"{side}-{n}": (side, side if n % 2 else 2 * side) for side in (64, 96, 128) for n in range(14)}
    order, steps = BatchOrder(shapes, 4, 0, "frame"), 11
    sides = []
    for epoch in range(4):
        batches = [order.frames_of(epoch * steps + step) for step in range(1, steps + 1)]
        assert {frame for frames in batches for frame in frames} == set(shapes)
        assert sum(len({shapes[frame] for frame in frames}) == 1 for frames in batches) == 7
        sides += [shapes[frames[0]][0] for frames in batches]
    assert max(len(list(run)) for _, run in groupby(sides)) <= 6
    assert {side: sides[: 2 * steps].count(side) >= 4 for side in (64, 96, 128)} == dict.fromkeys((64, 96, 128), True)


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
