"""What a step's samples are shown as and what they are to be answered with: noisy latents and targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from darkroom.training.adapter import without_adapter
from darkroom.training.samples import Batch


@dataclass(frozen=True)
class Shown:
    """A batch with its noisy latents and targets, both (count, channels, height, width)."""

    batch: Batch
    noisy: torch.Tensor
    target: torch.Tensor


def show(
    batches: Iterable[Batch], denoiser: Any, layers: Iterable[Any], family: ModuleType, schedule: Any
) -> list[Shown]:
    """The batches of a step with noise and targets; `layers` carry the adapter.

    All of a step at once, so that the adapter is taken off once a step and not once a batch.
    """
    shown = []
    for batch in batches:
        noisy = family.add_noise(schedule, batch.latents, batch.noise, batch.timesteps)
        shown.append(Shown(batch, noisy, family.target(schedule, batch.latents, batch.noise, batch.timesteps)))
    if not any(len(each.batch.held_rows) for each in shown):
        return shown
    with torch.no_grad(), without_adapter(layers):
        return [Shown(each.batch, each.noisy, held_to_base(each, denoiser, family)) for each in shown]


def held_to_base(shown: Shown, denoiser: Any, family: ModuleType) -> torch.Tensor:
    """The targets where what is held to the base model is what it predicts: exact, without the noise of a draw.

    The base model hears the captions as they were encoded once, by text encoders without an adapter.
    """
    batch, rows = shown.batch, shown.batch.held_rows
    if not len(rows):
        return shown.target
    text = {name: tensor[rows] for name, tensor in batch.text.items()}
    answer = family.predict(denoiser, shown.noisy[rows], batch.timesteps[rows], text, batch.sizes[rows])
    wanted = shown.target.clone()
    wanted[rows] = torch.lerp(wanted[rows], answer.to(wanted.dtype), batch.held[rows][:, None].to(wanted.dtype))
    return wanted
