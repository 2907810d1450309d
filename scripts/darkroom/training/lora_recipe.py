"""The training of a LoRA, to be read from top to bottom: encode, noise, predict, weigh, step."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs

from darkroom.config.training import Recipe, TrainingSettings, check_family
from darkroom.contracts.checkpoint_files import checkpoint_file, checkpoint_steps
from darkroom.contracts.training_tables import LoggedStep, Validation
from darkroom.errors import UserError
from darkroom.families.base import ModelFamily
from darkroom.jobs.device import dtype_of, prepare_device
from darkroom.jobs.progress import progress
from darkroom.mean_and_error import mean_and_error
from darkroom.training.adapter import adapter_layers, add_adapter, save_adapter, trainable, trainable_of_text
from darkroom.training.averaged_weights import fresh_average, move_average, weights_to_keep
from darkroom.training.collectives import all_of, spread, sum_gradients
from darkroom.training.encodings import Encoding, Encodings
from darkroom.training.event_file import EventFile
from darkroom.training.machine import machine_record, memory_in_use
from darkroom.training.masked_loss import masked_loss
from darkroom.training.memory_estimate import check_memory, memory_need, memory_there, samples_at_once
from darkroom.training.optimizers import (
    given_rate,
    learning_rate_at,
    make_optimizer,
    parameter_groups,
    rate_estimate,
    set_learning_rate,
)
from darkroom.training.resume_state import (
    CHECKPOINTS,
    STATE,
    SavingClock,
    TrainingState,
    keep_finished,
    load_state,
    progress_record,
    save_state,
    training_state,
)
from darkroom.training.samples import Sample, SampleOrder, batches
from darkroom.training.step_targets import noisy, targets
from darkroom.training.text_conditioning import TextConditioning, load_text_conditioning
from darkroom.training.validation_loss import (
    ValidationContext,
    fixed_noise_loss,
    photo_losses,
    untriggered,
    validation_frames,
    validation_priors,
)

LOGGER = logging.getLogger(__name__)

if TYPE_CHECKING:
    from diffusers import SchedulerMixin

LIVE_STEPS = 20
# Processes wait for each other while one of them loads or saves.
PATIENCE = InitProcessGroupKwargs(timeout=timedelta(hours=2))


@dataclass(frozen=True)
class _Run:
    """What is trained, what trains it, and what it is validated with."""

    family: ModelFamily
    noise_scheduler: SchedulerMixin
    encodings: Encodings
    settings: TrainingSettings
    accelerator: Any
    denoiser: Any
    adapted: list[Any]
    conditioning: TextConditioning
    weights: dict[str, Any]
    average: dict[str, Any]
    optimizer: Any
    validation: ValidationContext


def train_lora(
    family: ModelFamily,
    model: Path,
    encodings: Encodings,
    recipe: Recipe,
    run_dir: Path,
    clock: SavingClock,
    curves: EventFile | None = None,
) -> TrainingState:
    """Train, or go on with an interrupted training, until the last step; checkpoints lie in `run_dir/checkpoints`.

    Killed at any moment and started again, it ends with the same bytes. Several processes share each step's samples;
    the first of them writes. Raises UserError where the loss is no longer a number.
    """
    settings = recipe.training
    run = _load(family, model, encodings, recipe)
    writes, device = run.accelerator.is_main_process, run.accelerator.device
    order = SampleOrder(encodings, settings, recipe.prior)
    done = _resume(run_dir / STATE, run)
    if not done.validation:
        done.validation.append(_validate(run, 0))
    began = time.monotonic() - done.seconds
    due = set(checkpoint_steps(settings.steps, settings.checkpoint_every))

    steps = range(done.step + 1, settings.steps + 1)
    bar = progress(steps, "train", "steps", note=partial(_live, done, device), before=done.step)
    for step in bar if writes else steps:
        set_learning_rate(run.optimizer, learning_rate_at(step, settings))
        frame_losses, prior_losses = _sum_gradients(run, order.samples(step), step)
        grad_norm = float(run.accelerator.clip_grad_norm_(list(run.weights.values()), settings.max_grad_norm))
        _check_finite(step, frame_losses + prior_losses, settings)
        if run.accelerator.scaler is None:  # of fp16, which leaves out steps whose gradients overflow
            _check_finite(step, [grad_norm], settings, "gradient")
        estimate = rate_estimate(run.optimizer)
        run.optimizer.step()
        run.optimizer.zero_grad()
        move_average(run.average, run.weights, step, settings.ema_decay or 0.0)

        done.step, done.seconds = step, time.monotonic() - began
        rate = estimate * given_rate(run.optimizer)
        done.log.append(_logged(step, frame_losses, prior_losses, rate, grad_norm, done.seconds))
        if step in due:
            _keep_checkpoint(run, done, run_dir / CHECKPOINTS)
        if writes and (step in due or clock.due()):
            clock.saved(_save(run_dir / STATE, done, run))
        if curves is not None:
            curves.show(done, memory_in_use(device))
    if writes:
        done.machine = machine_record(recipe.compute)
        keep_finished(run_dir, done)
    run.accelerator.end_training()
    return done


def _load(family: ModelFamily, model: Path, encodings: Encodings, recipe: Recipe) -> _Run:
    """Everything a training needs; what can be refused without weights is, before any of them load.

    No model but the denoiser is held where the text encoders stay frozen: their captions were encoded once.
    """
    settings = recipe.training
    cpu = prepare_device(recipe.compute.device, recipe.compute.training_threads).type == "cpu"
    precision = {"fp32": "no"}.get(settings.precision, settings.precision)
    accelerator = Accelerator(cpu=cpu, mixed_precision=precision, kwargs_handlers=[PATIENCE])
    device = accelerator.device
    noise_scheduler = family.load_noise_scheduler(model)
    check_family(settings, family)
    _plan_memory(family, model, encodings, recipe, accelerator)
    denoiser = family.load_denoiser(model, dtype_of(settings.precision))
    add_adapter(denoiser, settings, family.LAYERS[settings.layers])
    if settings.gradient_checkpointing:
        denoiser.enable_gradient_checkpointing()
    denoiser.to(device).train()
    conditioning = load_text_conditioning(family, model, settings, device)
    own, of_text = trainable(denoiser), trainable_of_text(conditioning.encoders)
    optimizer = make_optimizer(parameter_groups(list(own.values()), list(of_text.values()), settings), settings)
    return _Run(
        family=family,
        noise_scheduler=noise_scheduler,
        encodings=encodings,
        settings=settings,
        accelerator=accelerator,
        # Without DDP: the adapter's gradients are summed once a step, however many passes a process makes for its
        # sizes.
        denoiser=accelerator.prepare_model(denoiser, evaluation_mode=True).train(),
        adapted=adapter_layers(denoiser),
        conditioning=conditioning,
        weights=own | of_text,
        average=fresh_average(own | of_text, settings.ema_decay),
        optimizer=accelerator.prepare_optimizer(optimizer),
        validation=ValidationContext(family, noise_scheduler, encodings, recipe.validation, device, conditioning),
    )


def _sum_gradients(run: _Run, samples: list[Sample], step: int) -> tuple[list[float], list[float]]:
    """The gradients of a step's loss, summed over its samples in all processes; the losses of frames and of priors."""
    family, accelerator = run.family, run.accelerator
    own = samples[accelerator.process_index :: accelerator.num_processes]
    stacked = list(batches(own, step, run.encodings, run.settings, family, run.noise_scheduler))
    of_step = targets(stacked, run.denoiser, run.adapted, family, run.noise_scheduler, accelerator.device)
    done = []
    for target, waiting in zip(of_step, stacked, strict=True):
        batch = waiting.to(accelerator.device)
        conditions, noisy_latents = run.conditioning(batch.text), noisy(batch, family, run.noise_scheduler)
        prediction = family.predict(run.denoiser, noisy_latents, batch.timesteps, conditions, batch.sizes)
        losses = masked_loss(prediction, target, batch.weights)
        accelerator.backward((losses * batch.loss_weights).sum())
        done.append((losses.detach(), batch.is_prior))
    sum_gradients(accelerator, list(run.weights.values()))
    frame_losses = [loss for losses, is_prior in done for loss in losses[~is_prior].tolist()]
    prior_losses = [loss for losses, is_prior in done for loss in losses[is_prior].tolist()]
    return all_of(accelerator, frame_losses), all_of(accelerator, prior_losses)


def _keep_checkpoint(run: _Run, done: TrainingState, folder: Path) -> None:
    """Validate what would be kept of the weights and write it: their average where there is one."""
    with weights_to_keep(run.weights, run.average, run.optimizer):
        done.validation.append(_validate(run, done.step))
        if run.accelerator.is_main_process:
            save_adapter(
                run.denoiser, run.family.DENOISER, checkpoint_file(folder, done.step), run.conditioning.encoders
            )
            _report(done, run.settings.steps)


def _plan_memory(family: ModelFamily, model: Path, encodings: Encodings, recipe: Recipe, accelerator: Any) -> None:
    """Say how much memory the training will need and how much is there; UserError where it will not fit."""
    if not accelerator.is_main_process:
        return
    processes = accelerator.num_processes
    samples = samples_at_once(recipe.training, recipe.prior, processes)
    need = memory_need(family, model, encodings, recipe.training, samples)
    if need is not None:
        there = memory_there(accelerator.device, processes)
        LOGGER.info("train_lora: %s", check_memory(need, there, recipe.training, samples))


def _resume(path: Path, run: _Run) -> TrainingState:
    """Put the saved weights, their average and the optimizer back and return how far they had come."""
    accelerator = run.accelerator
    state = load_state(path, accelerator.device)
    if state is None:
        return TrainingState(0, [], [], 0.0)
    with torch.no_grad():
        for name, weight in run.weights.items():
            weight.copy_(state["adapter"][name])
        for name, mean in run.average.items():
            mean.copy_(state["average"][name])
    run.optimizer.load_state_dict(state["optimizer"])
    if accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(state["scaler"])
    LOGGER.info("train_lora: going on after step %s", state["step"])
    return training_state(state)


def _save(path: Path, done: TrainingState, run: _Run) -> float:
    """Save the state and return the seconds it took."""
    scaler = run.accelerator.scaler
    start = time.monotonic()
    state = progress_record(done) | {
        "adapter": {name: weight.detach() for name, weight in run.weights.items()},
        "average": run.average,
        "optimizer": run.optimizer.state_dict(),
        "scaler": scaler.state_dict() if scaler is not None else {},
    }
    save_state(path, state)
    return time.monotonic() - start


def _check_finite(step: int, values: Iterable[float], settings: TrainingSettings, what: str = "loss") -> None:
    """UserError where a value is no number: before such weights are saved, whatever made them so."""
    if not all(math.isfinite(value) for value in values):
        raise UserError(
            f"training: the {what} of step {step} is not a number; lower training.learning_rate (it is "
            f"{settings.learning_rate:g}) or set training.precision to bf16 or fp32 (it is {settings.precision})"
        )


def _logged(
    step: int, frames: list[float], priors: list[float], rate: float, grad_norm: float, seconds: float
) -> LoggedStep:
    prior = fmean(priors) if priors else None
    return LoggedStep(step, fmean(frames), prior, rate, grad_norm, round(seconds, 2))


def _live(done: TrainingState, device: torch.device) -> str:
    """What the progress bar says beside rate and time left: the mean loss of the last steps, and memory."""
    loss = fmean(row.loss for row in done.log[-LIVE_STEPS:]) if done.log else math.nan
    return f"loss {loss:.4f}, memory {memory_in_use(device) / 2**30:.1f} GiB"


def _validate(run: _Run, step: int) -> Validation:
    """The loss on the validation frames, with and without the trigger, and on the held-out prior pictures.

    Raises UserError where it is no number.
    """
    context = run.validation

    def losses(rows: list[Encoding]) -> list[float]:
        return spread(run.accelerator, rows, lambda row: fixed_noise_loss(run.denoiser, row, context))

    run.denoiser.eval()
    split, frames = validation_frames(context.encodings, context.settings)
    loss, error = mean_and_error(photo_losses(frames, losses(frames)))
    plain = fmean(photo_losses(frames, losses([untriggered(frame) for frame in frames])))
    priors: list[Encoding] = validation_priors(context.encodings, context.settings)
    prior = fmean(losses(priors)) if priors else None
    run.denoiser.train()
    _check_finite(step, [loss], run.settings, "held-out loss")
    return Validation(step, loss, error, plain, prior, len(frames), split)


def _report(done: TrainingState, steps: int) -> None:
    """Say how far the held-out loss has come."""
    base, now = done.validation[0], done.validation[-1]
    words = [f"loss {now.loss:.4f} on {now.split} frames ({now.loss / base.loss - 1:+.0%})"]
    words.append(f"without trigger {now.untriggered_loss / base.untriggered_loss - 1:+.0%}")
    if base.prior_loss and now.prior_loss is not None:
        words.append(f"prior {now.prior_loss:.4f} ({now.prior_loss / base.prior_loss - 1:+.0%})")
    LOGGER.info("train_lora: step %d/%d: %s, %.0f s", done.step, steps, ", ".join(words), done.seconds)
