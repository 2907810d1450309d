"""What the samples of a step are to be answered with."""

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import torch

from darkroom.training.adapter import without_adapter
from darkroom.training.samples import Batch


def noisy(batch: Batch, family: ModuleType, schedule: Any) -> torch.Tensor:
    """The noisy latents (count, channels, height, width) of a batch."""
    return family.add_noise(schedule, batch.latents, batch.noise, batch.timesteps)  # type: ignore[no-any-return]


def targets(
    batches: Sequence[Batch],
    denoiser: Any,
    layers: Iterable[Any],
    family: ModuleType,
    schedule: Any,
    device: torch.device,
) -> list[torch.Tensor]:
    """The targets (count, channels, height, width) of each batch of a step, on a device; `layers` carry the adapter.

    Those of all batches at once, so that the adapter is taken off once a step. Of the batches themselves one at a time
    is on the device.
    """
    held = any(len(batch.held_rows) for batch in batches)
    with torch.no_grad(), without_adapter(layers if held else ()):
        return [_target(batch.to(device), denoiser, family, schedule) for batch in batches]


def _target(batch: Batch, denoiser: Any, family: ModuleType, schedule: Any) -> torch.Tensor:
    target = family.target(schedule, batch.latents, batch.noise, batch.timesteps)
    if not len(batch.held_rows):
        return target  # type: ignore[no-any-return]
    return held_to_base(target, batch, noisy(batch, family, schedule), denoiser, family)


def held_to_base(
    target: torch.Tensor, batch: Batch, noisy: torch.Tensor, denoiser: Any, family: ModuleType
) -> torch.Tensor:
    """The target where what is held to the base model is what it predicts: exact, without the noise of a draw.

    The base model hears the captions as they were encoded once, by text encoders without an adapter.
    """
    rows = batch.held_rows
    text = {name: tensor[rows] for name, tensor in batch.text.items()}
    answer = family.predict(denoiser, noisy[rows], batch.timesteps[rows], text, batch.sizes[rows])
    target = target.clone()
    target[rows] = torch.lerp(target[rows], answer.to(target.dtype), batch.held[rows][:, None].to(target.dtype))
    return target
