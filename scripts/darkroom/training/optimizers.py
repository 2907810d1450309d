"""Optimizers and their learning rate, as plain functions of the settings and the step."""

import math
from typing import Any

import torch

from darkroom.errors import UserError
from darkroom.training.settings import TrainingSettings


def make_optimizer(parameters: list[torch.nn.Parameter], settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimizer of the settings. UserError where it cannot run here."""
    options: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, foreach=False, **options)
    if settings.optimizer == "adamw8bit":
        return _adamw8bit(parameters, options)
    from prodigyopt import Prodigy

    # As its authors advise for diffusion models; the safeguard matters as soon as there is a warm-up.
    return Prodigy(parameters, decouple=True, use_bias_correction=True, safeguard_warmup=True, **options)


def _adamw8bit(parameters: list[torch.nn.Parameter], options: dict[str, Any]) -> torch.optim.Optimizer:
    try:
        from bitsandbytes.optim import AdamW8bit
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"training.optimizer: adamw8bit needs bitsandbytes and a GPU ({error}); use adamw or prodigy"
        ) from None
    return AdamW8bit(parameters, **options)


def learning_rate_at(step: int, settings: TrainingSettings) -> float:
    """The learning rate of a step (from 1): linear warm-up, then constant or half a cosine down to zero."""
    if step <= settings.warmup_steps:
        return settings.learning_rate * step / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    done = (step - settings.warmup_steps - 1) / max(1, settings.steps - settings.warmup_steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def effective_rate(optimizer: torch.optim.Optimizer) -> float:
    """The rate that really moves the weights: for Prodigy its estimate d times the rate."""
    group = optimizer.param_groups[0]
    return float(group["lr"] * group.get("d", 1.0))
