"""The weights that a checkpoint holds, where they are an average of those that are trained."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

Weights = Mapping[str, torch.Tensor]


def fresh_average(weights: Weights, decay: float | None) -> dict[str, torch.Tensor]:
    """The moving average before the first step: a copy of the weights, or nothing where none is kept."""
    return {name: weight.detach().clone() for name, weight in weights.items()} if decay is not None else {}


def move_average(average: Weights, weights: Weights, step: int, decay: float) -> None:
    """Take the weights after a step (from 1) into their exponential moving average.

    average = d average + (1 - d) weight, with d = min(decay, (1 + step) / (10 + step)), so that the first steps do not
    hold on to the untrained weights.
    """
    new = 1 - min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, mean in average.items():
            mean.lerp_(weights[name], new)


@contextmanager
def weights_to_keep(weights: Weights, average: Weights, optimizer: Any) -> Iterator[None]:
    """For a while the weights are those that checkpoints hold and validation looks at, then to the bit what they were.

    They are the moving average where there is one, and with a schedule-free optimizer its own average. That one is
    computed from the trained weights and back with rounding, so the trained ones are put back from a copy.
    """
    schedule_free = "train_mode" in optimizer.param_groups[0]
    if not average and not schedule_free:
        yield
        return
    trained = {name: weight.detach().clone() for name, weight in weights.items()}
    if schedule_free:
        optimizer.eval()
    _put(weights, average)
    try:
        yield
    finally:
        if schedule_free:
            optimizer.train()
        _put(weights, trained)


def _put(weights: Weights, values: Weights) -> None:
    with torch.no_grad():
        for name, value in values.items():
            weights[name].copy_(value)
