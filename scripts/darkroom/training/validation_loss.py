"""The fixed-noise validation loss: the same frames, the same noise, the same timesteps, whatever the adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from darkroom.config.training import ValidationSettings
from darkroom.contracts.frame_names import view_means
from darkroom.families.base import ModelFamily
from darkroom.training.encodings import Encoding, Encodings
from darkroom.training.keyed_random import normal_at
from darkroom.training.masked_loss import masked_loss, pixel_weights
from darkroom.training.text_conditioning import FROZEN, TextConditioning

if TYPE_CHECKING:
    from diffusers import ModelMixin, SchedulerMixin

CELLS_AT_ONCE = 16384


@dataclass(frozen=True)
class ValidationContext:
    """All that a validation loss needs but the denoiser: family, noise scheduler, encodings, device, conditioning."""

    family: ModelFamily
    noise_scheduler: SchedulerMixin
    encodings: Encodings
    settings: ValidationSettings
    device: torch.device
    conditioning: TextConditioning = FROZEN


def fixed_noise_loss(denoiser: ModelMixin, frame: Encoding, context: ValidationContext) -> float:
    """The loss of one frame: the mean over evenly spaced timesteps, each with noise that only the frame decides."""
    count = context.settings.timesteps
    latents = context.encodings.tensors(frame.latents)["latents"]
    noise = [normal_at(tuple(latents.shape), context.settings.seed, frame.name, k, "validation") for k in range(count)]
    u = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    timesteps = context.family.timesteps_at(context.noise_scheduler, u)
    # The same chunks for the same frame on every machine, so that the sum is the same, too.
    size = max(1, CELLS_AT_ONCE // (latents.shape[1] * latents.shape[2]))
    losses = [
        _losses(denoiser, frame, context, latents, torch.stack(noise[start : start + size]), steps)
        for start, steps in zip(range(0, count, size), timesteps.split(size), strict=True)
    ]
    return float(torch.cat(losses).double().mean())


def _losses(
    denoiser: ModelMixin,
    frame: Encoding,
    context: ValidationContext,
    latents: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
) -> torch.Tensor:
    count, device = len(timesteps), context.device
    repeated = latents.expand(count, *latents.shape).to(device)
    noise, timesteps = noise.to(device), timesteps.to(device)
    text = {name: tensor[None].to(device) for name, tensor in context.encodings.tensors(frame.text).items()}
    sizes = torch.tensor([[frame.height, frame.width]]).expand(count, 2).to(device)
    noisy = context.family.add_noise(context.noise_scheduler, repeated, noise, timesteps)
    target = context.family.target(context.noise_scheduler, repeated, noise, timesteps)
    with torch.no_grad():
        conditions = context.conditioning(text)
        stacked = {name: tensor.expand(count, *tensor.shape[1:]) for name, tensor in conditions.items()}
        prediction = context.family.predict(denoiser, noisy, timesteps, stacked, sizes)
    weights = mask_weights(frame, context.encodings, latents, context.settings.background_weight).to(device)
    return masked_loss(prediction, target, weights.expand(count, *weights.shape)).cpu()


def mask_weights(frame: Encoding, encodings: Encodings, latents: torch.Tensor, background: float) -> torch.Tensor:
    """The weights (height, width) of a frame's cells; all 1 where it has no mask, or an empty one."""
    mask = encodings.mask_of(frame)
    return torch.ones(latents.shape[1:]) if mask is None else pixel_weights(mask, background)


def validation_frames(encodings: Encodings, settings: ValidationSettings) -> tuple[str, list[Encoding]]:
    """The validation frames and their split: held out, or those trained on where none is held out."""
    split = "held_out" if encodings.of("frame", "held_out") else "train"
    return split, encodings.of("frame", split)[: settings.frames]


def photo_losses(frames: Sequence[Encoding], losses: Sequence[float]) -> list[float]:
    """The losses of frames, or other numbers of theirs, as one mean for each photo or closer view.

    Frames of one at several resolutions are no independent measures, so that a standard error counts photos.
    """
    return view_means([frame.name for frame in frames], losses)


def untriggered(frame: Encoding) -> Encoding:
    """A frame under its caption without the trigger: what of the subject shows unasked."""
    return replace(frame, text=frame.untriggered)


def validation_priors(encodings: Encodings, settings: ValidationSettings) -> list[Encoding]:
    """The prior pictures for validation: they show how much the LoRA disturbs what it should leave alone."""
    return encodings.of("prior", "held_out")[: settings.frames]
