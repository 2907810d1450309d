"""Optimizers and their learning rate, as plain functions of the settings and the step."""

import math
from typing import Any

import torch

from darkroom.config.training import TrainingSettings
from darkroom.errors import UserError
from darkroom.jobs.imports import allow_bitsandbytes

# torch's Adafactor multiplies the rate by a weight's own size, at least by this; the B of a LoRA begins at 0 and would
# hardly move. LoRA weights stay below 1, so that the rate is the rate, as with `scale_parameter=False` elsewhere.
ADAFACTOR_LEAST_SCALE = 1.0


Parameters = list[torch.nn.Parameter] | list[dict[str, Any]]
# Numbers per trained weight besides itself and its gradient, each of 4 bytes.
OPTIMIZER_NUMBERS = {"adamw": 2.0, "adamw8bit": 0.5, "prodigy": 4.0, "schedulefree": 2.0, "adafactor": 0.1}


def parameter_groups(
    denoiser: list[torch.nn.Parameter], text: list[torch.nn.Parameter], settings: TrainingSettings
) -> Parameters:
    """What an optimizer gets: the denoiser's weights and, where they are trained, the text encoders' as a second group.

    The `share` of a group is its rate as a share of `training.learning_rate`: warm-up and schedule hold for both.
    """
    if settings.text_encoder is None:
        return denoiser
    rate = settings.text_encoder.learning_rate
    return [
        {"params": denoiser, "share": 1.0},
        {"params": text, "share": rate / settings.learning_rate, "lr": rate},
    ]


def make_optimizer(parameters: Parameters, settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimizer of the settings. UserError where it cannot run here."""
    options: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, fused=True, **options)
    if settings.optimizer == "adamw8bit":
        return _adamw8bit(parameters, options)
    if settings.optimizer == "adafactor":
        return torch.optim.Adafactor(parameters, eps=(None, ADAFACTOR_LEAST_SCALE), foreach=False, **options)
    if settings.optimizer == "schedulefree":
        from schedulefree import AdamWScheduleFree

        optimizer = AdamWScheduleFree(parameters, warmup_steps=settings.warmup_steps, foreach=False, **options)
        optimizer.train()
        return optimizer
    from prodigyopt import Prodigy

    # As its authors advise for diffusion models; the safeguard matters as soon as there is a warm-up.
    options |= {"d_coef": settings.d_coef, "decouple": True, "use_bias_correction": True, "safeguard_warmup": True}
    return Prodigy(parameters, **options)


def _adamw8bit(parameters: Parameters, options: dict[str, Any]) -> torch.optim.Optimizer:
    allow_bitsandbytes()
    try:
        from bitsandbytes.optim import AdamW8bit
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"training.optimizer: adamw8bit needs bitsandbytes, which does not load here ({error}); use adamw"
        ) from None
    return AdamW8bit(parameters, **options)


def learning_rate_at(step: int, settings: TrainingSettings) -> float:
    """The learning rate that an optimizer is given at a step (from 1).

    Linear warm-up, then constant or half a cosine down to zero. Schedule-free optimizers warm up by themselves, because
    the warm-up also weighs their average.
    """
    if settings.optimizer == "schedulefree":
        return settings.learning_rate
    if step <= settings.warmup_steps:
        return settings.learning_rate * step / settings.warmup_steps
    if settings.lr_schedule == "constant":
        return settings.learning_rate
    done = (step - settings.warmup_steps - 1) / max(1, settings.steps - settings.warmup_steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter group: the rate times the group's share."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)


def given_rate(optimizer: torch.optim.Optimizer) -> float:
    """The rate of the step that an optimizer has just taken: schedule-free's with its warm-up."""
    group = optimizer.param_groups[0]
    return float(group.get("scheduled_lr", group["lr"]))


def rate_estimate(optimizer: torch.optim.Optimizer) -> float:
    """Prodigy's estimate d, by which the next step multiplies its rate before it estimates anew; 1 for others."""
    return float(optimizer.param_groups[0].get("d", 1.0))
