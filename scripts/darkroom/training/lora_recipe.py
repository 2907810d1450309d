"""The training of a LoRA, to be read from top to bottom: encode, noise, predict, weigh, step."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs

from darkroom.device import PRECISIONS, prepare_device
from darkroom.errors import UserError
from darkroom.mean_and_error import mean_and_error
from darkroom.progress import progress
from darkroom.settings import ComputeSettings
from darkroom.training.adapter import add_adapter, save_adapter, trainable, without_adapter
from darkroom.training.checkpoint_steps import checkpoint_steps
from darkroom.training.encodings import Encoding, Encodings
from darkroom.training.machine import machine_record
from darkroom.training.masked_loss import masked_loss
from darkroom.training.optimizers import effective_rate, learning_rate_at, make_optimizer, set_learning_rate
from darkroom.training.paired_loss import (
    Judge,
    judged_frames,
    judged_priors,
    paired_loss,
    untriggered,
)
from darkroom.training.processes import all_of, spread, sum_gradients
from darkroom.training.resume_state import (
    CHECKPOINTS,
    STATE,
    Progress,
    Row,
    SavingClock,
    keep_finished,
    load_state,
    save_state,
)
from darkroom.training.samples import Batch, SampleOrder, batches
from darkroom.training.settings import PriorSettings, TrainingSettings, ValidationSettings

LOG_COLUMNS = ("step", "loss", "prior_loss", "lr", "grad_norm", "seconds")
VALIDATION_COLUMNS = ("step", "loss", "loss_se", "untriggered_loss", "prior_loss", "frames", "split")
# Processes wait for each other while one of them loads or saves.
PATIENCE = InitProcessGroupKwargs(timeout=timedelta(hours=2))


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes of a LoRA besides the model and the encodings."""

    training: TrainingSettings
    prior: PriorSettings
    validation: ValidationSettings
    compute: ComputeSettings


def train_lora(
    family: ModuleType, model: Path, encodings: Encodings, recipe: Recipe, workplace: Path, clock: SavingClock
) -> Progress:
    """Train, or go on with an interrupted training, until the last step; checkpoints lie in `workplace/checkpoints`.

    Killed at any moment and started again, it ends with the same bytes. Several processes share each step's samples;
    the first of them writes. Raises UserError where the loss is no longer a number.
    """
    settings = recipe.training
    cpu = prepare_device(recipe.compute.device, recipe.compute.training_threads).type == "cpu"
    precision = {"fp32": "no"}.get(settings.precision, settings.precision)
    accelerator = Accelerator(cpu=cpu, mixed_precision=precision, kwargs_handlers=[PATIENCE])
    device = accelerator.device
    denoiser = family.load_denoiser(model, PRECISIONS[settings.precision])
    schedule = family.load_schedule(model)
    add_adapter(denoiser, settings, family.LAYERS[settings.layers])
    if settings.gradient_checkpointing:
        denoiser.enable_gradient_checkpointing()
    denoiser.to(device).train()
    weights = trainable(denoiser)
    optimizer = make_optimizer(list(weights.values()), settings)
    # Without DDP: the adapter's gradients are summed once a step, however many passes a process makes for its sizes.
    denoiser = accelerator.prepare_model(denoiser, evaluation_mode=True).train()
    optimizer = accelerator.prepare_optimizer(optimizer)

    judge = Judge(family, schedule, encodings, recipe.validation, device)
    order = SampleOrder(encodings, settings, recipe.prior)
    state_file = workplace / STATE
    done = _resume(state_file, weights, optimizer, accelerator)
    if not done.validation:
        done.validation.append(_validate(denoiser, judge, 0, accelerator))
    began = time.monotonic() - done.seconds
    due = set(checkpoint_steps(settings.steps, settings.checkpoint_every))

    for step in progress(range(done.step + 1, settings.steps + 1), "train", "steps"):
        set_learning_rate(optimizer, learning_rate_at(step, settings))
        frame_losses, prior_losses = [], []
        samples = order.samples(step)[accelerator.process_index :: accelerator.num_processes]
        for batch in batches(samples, step, encodings, settings, family, schedule, device):
            noisy = family.add_noise(schedule, batch.latents, batch.noise, batch.timesteps)
            wanted = family.target(schedule, batch.latents, batch.noise, batch.timesteps)
            _hold_to_base(wanted, denoiser, family, batch, noisy)
            answer = family.predict(denoiser, noisy, batch.timesteps, batch.text, batch.sizes)
            losses = masked_loss(answer, wanted, batch.weights)
            accelerator.backward((losses * batch.shares).sum())
            frame_losses += losses.detach()[~batch.is_prior].tolist()
            prior_losses += losses.detach()[batch.is_prior].tolist()
        sum_gradients(accelerator, list(weights.values()))
        frame_losses, prior_losses = all_of(accelerator, frame_losses), all_of(accelerator, prior_losses)
        grad_norm = float(accelerator.clip_grad_norm_(list(weights.values()), settings.max_grad_norm))
        _check_finite(step, frame_losses + prior_losses, settings)
        optimizer.step()
        optimizer.zero_grad()

        done.step, done.seconds = step, time.monotonic() - began
        done.log.append(_log_row(step, frame_losses, prior_losses, effective_rate(optimizer), grad_norm, done.seconds))
        if step in due:
            done.validation.append(_validate(denoiser, judge, step, accelerator))
        if not accelerator.is_main_process:
            continue
        if step in due:
            save_adapter(denoiser, settings, family.DENOISER, checkpoint_file(workplace / CHECKPOINTS, step))
            _report(done, settings.steps)
        if step in due or clock.due():
            clock.saved(_save(state_file, done, weights, optimizer, accelerator))
    if accelerator.is_main_process:
        done.machine = machine_record(recipe.compute)
        keep_finished(workplace, done)
    accelerator.end_training()
    return done


def _hold_to_base(wanted: torch.Tensor, denoiser: Any, family: ModuleType, batch: Batch, noisy: torch.Tensor) -> None:
    """Replace the targets of prior samples by what the base model predicts: exact, and without the noise of a draw."""
    rows = batch.is_prior
    if rows.any():
        text = {name: tensor[rows] for name, tensor in batch.text.items()}
        with torch.no_grad(), without_adapter(denoiser):
            answer = family.predict(denoiser, noisy[rows], batch.timesteps[rows], text, batch.sizes[rows])
        wanted[rows] = answer.to(wanted.dtype)


def checkpoint_file(folder: Path, step: int) -> Path:
    """The file of a checkpoint: `step-000100.safetensors`."""
    return folder / f"step-{step:06d}.safetensors"


def _resume(path: Path, weights: dict[str, Any], optimizer: Any, accelerator: Any) -> Progress:
    """Put the saved weights and optimizer back and return how far they had come."""
    state = load_state(path, accelerator.device)
    if state is None:
        return Progress(0, [], [], 0.0)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(state["adapter"][name])
    optimizer.load_state_dict(state["optimizer"])
    if accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(state["scaler"])
    print(f"train_lora: going on after step {state['step']}", flush=True)
    return Progress(state["step"], state["log"], state["validation"], state["seconds"], state["step"])


def _save(path: Path, done: Progress, weights: dict[str, Any], optimizer: Any, accelerator: Any) -> float:
    """Save the state and return the seconds it took."""
    start = time.monotonic()
    state = {
        "step": done.step,
        "log": done.log,
        "validation": done.validation,
        "seconds": done.seconds,
        "adapter": {name: weight.detach() for name, weight in weights.items()},
        "optimizer": optimizer.state_dict(),
        "scaler": accelerator.scaler.state_dict() if accelerator.scaler is not None else {},
    }
    save_state(path, state)
    return time.monotonic() - start


def _check_finite(step: int, losses: Iterable[float], settings: TrainingSettings) -> None:
    if not all(math.isfinite(loss) for loss in losses):
        raise UserError(
            f"training: the loss of step {step} is not a number; lower training.learning_rate (it is "
            f"{settings.learning_rate:g}) or set training.precision to bf16 or fp32 (it is {settings.precision})"
        )


def _log_row(step: int, frames: list[float], priors: list[float], rate: float, grad_norm: float, seconds: float) -> Row:
    prior = fmean(priors) if priors else None
    values = (step, fmean(frames), prior, rate, grad_norm, round(seconds, 2))
    return dict(zip(LOG_COLUMNS, values, strict=True))


def _validate(denoiser: Any, judge: Judge, step: int, accelerator: Any) -> Row:
    """The paired loss on the judged frames, with and without the trigger, and on the held-out prior pictures."""

    def losses(rows: list[Encoding]) -> list[float]:
        return spread(accelerator, rows, lambda row: paired_loss(denoiser, row, judge))

    denoiser.eval()
    split, frames = judged_frames(judge.encodings, judge.settings)
    loss, error = mean_and_error(losses(frames))
    plain = fmean(losses([untriggered(frame) for frame in frames]))
    priors: list[Encoding] = judged_priors(judge.encodings, judge.settings)
    prior = fmean(losses(priors)) if priors else None
    denoiser.train()
    values = (step, loss, error, plain, prior, len(frames), split)
    return dict(zip(VALIDATION_COLUMNS, values, strict=True))


def _report(done: Progress, steps: int) -> None:
    """Say how far the held-out loss has come."""
    base, now = done.validation[0], done.validation[-1]
    words = [f"loss {now['loss']:.4f} on {now['split']} frames ({now['loss'] / base['loss'] - 1:+.0%})"]
    words.append(f"without trigger {now['untriggered_loss'] / base['untriggered_loss'] - 1:+.0%}")
    if base["prior_loss"]:
        words.append(f"prior {now['prior_loss']:.4f} ({now['prior_loss'] / base['prior_loss'] - 1:+.0%})")
    print(f"train_lora: step {done.step}/{steps}: {', '.join(words)}, {done.seconds:.0f} s", flush=True)
