"""What a checkpoint has learnt and disturbed: how far the validation losses have moved from the base model's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from darkroom.contracts.checkpoint_files import BASE, Variant
from darkroom.families.base import ModelFamily
from darkroom.jobs.progress import progress
from darkroom.mean_and_error import mean_and_error
from darkroom.training.adapter import load_adapter, load_text_adapters
from darkroom.training.text_conditioning import FROZEN
from darkroom.training.validation_loss import (
    ValidationContext,
    fixed_noise_loss,
    photo_losses,
    untriggered,
    validation_frames,
    validation_priors,
)


@dataclass(frozen=True)
class LossChange:
    """How far losses have moved from the base model's, as shares of it.

    `fall` (standard error `error`) on `frames` photos of a split, `untriggered_fall` on the same under their captions
    without the trigger, `prior_rise` on prior pictures kept aside (None without any).
    """

    fall: float
    error: float
    untriggered_fall: float
    prior_rise: float | None
    frames: int
    split: str


def measure_loss_changes(
    denoiser: Any, family: ModelFamily, context: ValidationContext, compared: Sequence[Variant], precision: torch.dtype
) -> dict[Variant, LossChange]:
    """The change of the base model (none) and of each variant: 1 - loss / loss of the base by frame, then the mean.

    The base model is conditioned on captions as encoded once, a variant with adapted text encoders on what those make.
    0 is the base model, 1 a perfect prediction. Noise and timesteps are the same for all (see `fixed_noise_loss`).
    """
    split, frames = validation_frames(context.encodings, context.settings)
    parts = (frames, [untriggered(frame) for frame in frames], validation_priors(context.encodings, context.settings))
    losses: dict[Variant, list[list[float]]] = {}
    for variant in progress([BASE, *compared], "score", "checkpoints"):
        if variant.checkpoint is not None:
            _adapt(denoiser, context, variant.checkpoint, variant.strength)
        own = replace(context, conditioning=FROZEN) if variant.checkpoint is None else context
        with torch.autocast(context.device.type, precision, enabled=precision != torch.float32):
            losses[variant] = [[fixed_noise_loss(denoiser, row, own) for row in part] for part in parts]
        if variant.checkpoint is not None:
            denoiser.delete_adapters("lora")
            _drop_text_adapters(context)

    base = losses[BASE]
    result = {}
    for variant, now in losses.items():
        fall, error = mean_and_error(photo_losses(frames, _falls(now[0], base[0])))
        rise = fmean(now[2]) / fmean(base[2]) - 1 if now[2] else None
        untriggered_fall = fmean(photo_losses(frames, _falls(now[1], base[1])))
        result[variant] = LossChange(fall, error, untriggered_fall, rise, len(frames), split)
    return result


def _falls(now: Sequence[float], base: Sequence[float]) -> list[float]:
    return [1 - one / other for one, other in zip(now, base, strict=True)]


def _adapt(denoiser: Any, context: ValidationContext, checkpoint: Path, strength: float) -> None:
    load_adapter(denoiser, context.family.DENOISER, checkpoint, "lora")
    denoiser.set_adapters("lora", strength)
    if context.conditioning.encoders is not None:
        load_text_adapters(context.conditioning.encoders, context.family, checkpoint, "lora", strength)


def _drop_text_adapters(context: ValidationContext) -> None:
    if context.conditioning.encoders is not None:
        for part in context.family.TEXT_LAYERS:
            context.conditioning.encoders.models[part].delete_adapter("lora")
