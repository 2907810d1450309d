"""Which frames a step trains on, as a plain function of the step."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

import torch

from darkroom.training.keyed_random import generator_at, uniform_at

Item = TypeVar("Item")


def _shuffled(items: list[Item], *key: object) -> list[Item]:
    return [items[index] for index in torch.randperm(len(items), generator=generator_at(*key)).tolist()]


class BatchOrder:
    """Batches of frames of one bucket each: the frames of a bucket take turns, and all are shown equally often.

    Buckets with fewer frames than a batch are joined; their batches are trained bucket by bucket within their step. In
    as many epochs as a batch has frames each frame is shown exactly that often, and the batches of a bucket are spread
    evenly over them.
    """

    def __init__(self, buckets: Mapping[str, tuple[int, int]], batch: int, seed: int, purpose: str) -> None:
        """`buckets` maps each frame to its bucket, (height, width)."""
        self._batch, self._key = batch, (seed, purpose)
        self._steps = len(buckets)
        by_bucket: dict[tuple[int, int], list[str]] = {}
        for frame, bucket in sorted(buckets.items()):
            by_bucket.setdefault(bucket, []).append(frame)
        pools = [frames for _, frames in sorted(by_bucket.items())]
        small = [frame for frames in pools if len(frames) < batch for frame in frames]
        self._pools = [frames for frames in pools if len(frames) >= batch] + ([small] if small else [])
        self._round = lru_cache(maxsize=2)(self._make_round)

    def _make_round(self, round_index: int) -> list[list[str]]:
        """The batches of as many epochs as a batch has frames: of each pool as many as it has frames."""
        batches = []
        for index, pool in enumerate(self._pools):
            turns = self._turns(pool, round_index, index)
            start = uniform_at(*self._key, round_index, index, "start")
            for count in range(len(pool)):
                frames = turns[count * self._batch : (count + 1) * self._batch]
                batches.append(((count + start) / len(pool), index, frames))
        return [frames for _, _, frames in sorted(batches)]

    def _turns(self, pool: list[str], round_index: int, index: int) -> list[str]:
        """The frames of a pool, shuffled anew for each epoch; in no batch one of them twice, unless they are fewer."""
        turns: list[str] = []
        for epoch in range(self._batch):
            begun = turns[len(turns) // self._batch * self._batch :]
            shuffled = _shuffled(pool, *self._key, round_index, index, epoch, "frames")
            turns += sorted(shuffled, key=begun.__contains__)
        return turns

    def frames_of(self, step: int) -> list[str]:
        """The frames of a step; steps count from 1."""
        round_index, index = divmod(step - 1, self._steps)
        return self._round(round_index)[index]


def prior_samples(step: int, batch: int, share: float) -> range:
    """The running numbers of the prior samples of a step: `share` per frame, spread evenly over the steps."""
    return range(int((step - 1) * batch * share), int(step * batch * share))
