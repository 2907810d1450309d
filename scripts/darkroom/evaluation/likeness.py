"""How well a checkpoint knows the subject: how much the paired loss on held-out frames has fallen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

import torch

from darkroom.evaluation.checkpoints import BASE, Variant
from darkroom.progress import progress
from darkroom.training.adapter import load_adapter
from darkroom.training.paired_loss import Judge, judged_frames, judged_priors, mean_and_error, paired_loss


@dataclass(frozen=True)
class Likeness:
    """Likeness with its standard error, over how many frames of which split, and how far the prior loss has risen."""

    likeness: float
    error: float
    frames: int
    split: str
    prior_rise: float | None


def measure_likeness(
    denoiser: Any, family: ModuleType, judge: Judge, compared: Sequence[Variant], precision: torch.dtype
) -> dict[Variant, Likeness]:
    """The likeness of the base model and of each variant: 1 - loss / loss of the base, frame by frame, then the mean.

    0 is the base model, 1 a perfect prediction. Noise and timesteps are the same for all (see `paired_loss`).
    """
    split, frames = judged_frames(judge.encodings, judge.settings)
    priors = judged_priors(judge.encodings, judge.settings)
    losses: dict[Variant, tuple[list[float], list[float]]] = {}
    for variant in progress([BASE, *compared], "score", "checkpoints"):
        if variant.checkpoint is not None:
            _adapt(denoiser, family.DENOISER, variant.checkpoint, variant.strength)
        with torch.autocast(judge.device.type, precision, enabled=precision != torch.float32):
            frame_losses = [paired_loss(denoiser, frame, judge) for frame in frames]
            losses[variant] = frame_losses, [paired_loss(denoiser, prior, judge) for prior in priors]
        if variant.checkpoint is not None:
            denoiser.delete_adapters("lora")

    base_frames, base_priors = losses[BASE]
    result = {}
    for variant, (now_frames, now_priors) in losses.items():
        gains = [1 - now / base for now, base in zip(now_frames, base_frames, strict=True)]
        rise = fmean(now_priors) / fmean(base_priors) - 1 if priors else None
        result[variant] = Likeness(*mean_and_error(gains), len(frames), split, rise)
    return result


def _adapt(denoiser: Any, part: str, checkpoint: Path, strength: float) -> None:
    load_adapter(denoiser, part, checkpoint, "lora")
    denoiser.set_adapters("lora", strength)
