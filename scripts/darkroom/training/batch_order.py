"""Which frames a step trains on, as a plain function of the step."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import cycle
from typing import TypeVar

import torch

from darkroom.training.random_address import generator_at

Item = TypeVar("Item")


def _shuffled(items: list[Item], *address: object) -> list[Item]:
    return [items[place] for place in torch.randperm(len(items), generator=generator_at(*address)).tolist()]


class BatchOrder:
    """Batches of frames: each epoch shows every frame once, in batches of one bucket as far as they can be filled.

    What is left of the buckets is joined into mixed batches (trained bucket by bucket within their step); the last of
    an epoch is filled up with frames drawn at random, of its own buckets as long as these have others.
    """

    def __init__(self, buckets: Mapping[str, tuple[int, int]], batch: int, seed: int, purpose: str) -> None:
        """`buckets` maps each frame to its bucket, (height, width)."""
        self._buckets = dict(sorted(buckets.items()))
        self._batch, self._address = batch, (seed, purpose)
        self._batches_per_epoch = -(-len(self._buckets) // batch)
        self._epoch = lru_cache(maxsize=2)(self._make_epoch)

    def _make_epoch(self, epoch: int) -> list[list[str]]:
        by_bucket: dict[tuple[int, int], list[str]] = {}
        for frame in _shuffled(list(self._buckets), *self._address, epoch, "frames"):
            by_bucket.setdefault(self._buckets[frame], []).append(frame)
        batches, left = [], []
        for frames in by_bucket.values():
            full = len(frames) // self._batch * self._batch
            batches += [frames[start : start + self._batch] for start in range(0, full, self._batch)]
            left += frames[full:]
        left += self._filling(left, epoch)
        batches += [left[start : start + self._batch] for start in range(0, len(left), self._batch)]
        return _shuffled(batches, *self._address, epoch, "batches")

    def _filling(self, left: list[str], epoch: int) -> list[str]:
        """What fills up the last batch of an epoch, whose last frames are those left."""
        buckets = {self._buckets[frame] for frame in left[len(left) // self._batch * self._batch :]}
        unused = _shuffled([frame for frame in self._buckets if frame not in left], *self._address, epoch, "filling")
        alike = sorted(unused or left, key=lambda frame: self._buckets[frame] not in buckets)
        return [frame for frame, _ in zip(cycle(alike), range(-len(left) % self._batch), strict=False)]

    def frames_of(self, step: int) -> list[str]:
        """The frames of a step; steps count from 1."""
        epoch, place = divmod(step - 1, self._batches_per_epoch)
        return self._epoch(epoch)[place]


def prior_samples(step: int, batch: int, share: float) -> range:
    """The running numbers of the prior samples of a step: `share` per frame, spread evenly over the steps."""
    return range(int((step - 1) * batch * share), int(step * batch * share))
