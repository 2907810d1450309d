"""The targets of the samples of a step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from darkroom.families.base import ModelFamily
from darkroom.training.adapter import without_adapter
from darkroom.training.samples import Batch

if TYPE_CHECKING:
    from diffusers import ModelMixin, SchedulerMixin


def noisy(batch: Batch, family: ModelFamily, noise_scheduler: SchedulerMixin) -> torch.Tensor:
    """The noisy latents (count, channels, height, width) of a batch."""
    return family.add_noise(noise_scheduler, batch.latents, batch.noise, batch.timesteps)


def targets(
    batches: Sequence[Batch],
    denoiser: ModelMixin,
    layers: Iterable[Any],
    family: ModelFamily,
    noise_scheduler: SchedulerMixin,
    device: torch.device,
) -> list[torch.Tensor]:
    """The targets (count, channels, height, width) of each batch of a step, on a device; `layers` carry the adapter.

    Those of all batches at once, so that the adapter is taken off once a step. Of the batches themselves one at a time
    is on the device.
    """
    held = any(len(batch.held_rows) for batch in batches)
    with torch.no_grad(), without_adapter(layers if held else ()):
        return [_target(batch.to(device), denoiser, family, noise_scheduler) for batch in batches]


def _target(batch: Batch, denoiser: ModelMixin, family: ModelFamily, noise_scheduler: SchedulerMixin) -> torch.Tensor:
    target = family.target(noise_scheduler, batch.latents, batch.noise, batch.timesteps)
    if not len(batch.held_rows):
        return target
    return held_to_base(target, batch, noisy(batch, family, noise_scheduler), denoiser, family)


def held_to_base(
    target: torch.Tensor, batch: Batch, noisy: torch.Tensor, denoiser: ModelMixin, family: ModelFamily
) -> torch.Tensor:
    """The target where what is held to the base model is what it predicts: exact, without the noise of a draw.

    The base model is conditioned on the captions as encoded once, by text encoders without an adapter.
    """
    rows = batch.held_rows
    text = {name: tensor[rows] for name, tensor in batch.text.items()}
    prediction = family.predict(denoiser, noisy[rows], batch.timesteps[rows], text, batch.sizes[rows])
    target = target.clone()
    target[rows] = torch.lerp(target[rows], prediction.to(target.dtype), batch.held[rows][:, None].to(target.dtype))
    return target
