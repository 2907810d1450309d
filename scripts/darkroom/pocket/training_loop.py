"""One loop for all pocket models: a number of steps, resumable, with averaged weights and early exports."""

import math
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from darkroom.errors import UserError
from darkroom.pocket.muon import Muon

Modules = dict[str, nn.Module]
MUON_RATE = 13.0  # Muon's learning rate where AdamW's is 1
TELL_EVERY, SAVE_EVERY, EXPORT_EVERY = 20.0, 60.0, 300.0  # seconds


def generator(name: str, step: int) -> torch.Generator:
    """The random numbers of one step of one model, the same in a resumed run."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()) * 1_000_003 + step)


def learning_rate(peak: float, fraction: float, step: int) -> float:
    """Linear warm-up over 100 steps, then a cosine from `peak` to a hundredth of it over the run."""
    return peak * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def save_checkpoint(path: Path, state: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def facts_of(step: int, samples: int, seconds: float) -> dict[str, float]:
    """How far a run has come, as logs and cards tell it."""
    return {"steps": step, "samples": samples, "minutes": round(seconds / 60, 1)}


@dataclass
class Run:
    """A training run under way: what is trained, its averaged weights, and how far it has come."""

    name: str
    modules: Modules
    parameters: list[nn.Parameter]
    optimizers: list[torch.optim.Optimizer]
    averaged: list[torch.Tensor]
    path: Path
    steps: int
    step: int = 0
    samples: int = 0
    seconds: float = 0.0

    def facts(self) -> dict[str, float]:
        return facts_of(self.step, self.samples, self.seconds)


def new_optimizers(parameters: list[nn.Parameter], matrices: Sequence[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Muon for `matrices`, which are among the parameters, and AdamW for all others."""
    apart = {id(matrix) for matrix in matrices}
    others = [p for p in parameters if id(p) not in apart]
    adam = torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    return [adam, Muon(matrices, lr=0.0)] if matrices else [adam]


def start_run(name: str, modules: Modules, matrices: Sequence[nn.Parameter], work: Path, steps: int) -> Run:
    """A new run, or the one whose checkpoint is in the work folder; UserError where that one has other steps."""
    parameters = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
    optimizers = new_optimizers(parameters, matrices)
    averaged = [p.detach().clone() for p in parameters]
    run = Run(name, modules, parameters, optimizers, averaged, work / "checkpoints" / f"{name}.pt", steps)
    if run.path.exists():
        state = torch.load(run.path, weights_only=True)
        if state["steps"] != steps:
            planned = f"{state['steps']} steps, not of {steps}"
            raise UserError(f"{run.path}: a training of {planned}; take another --work folder or the same --share")
        for key, module in modules.items():
            module.load_state_dict(state["modules"][key])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        run.averaged, run.step, run.samples = state["averaged"], state["step"], state["samples"]
        run.seconds = state["seconds"]
    return run


def save_run(run: Run) -> None:
    state = {
        "modules": {key: module.state_dict() for key, module in run.modules.items()},
        "averaged": run.averaged,
        "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "step": run.step,
        "steps": run.steps,
        "samples": run.samples,
        "seconds": run.seconds,
    }
    save_checkpoint(run.path, state)


def take_step(run: Run, loss: torch.Tensor, rate: float, average_over: int) -> None:
    """Follow the gradient of `loss` once, and let the averaged weights follow."""
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * (MUON_RATE if isinstance(optimizer, Muon) else 1.0)
        optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(run.parameters, 1.0)
    for optimizer in run.optimizers:
        optimizer.step()
    run.step += 1
    with torch.no_grad():  # the average follows faster at first, or it would remember the random start
        torch._foreach_lerp_(run.averaged, [*run.parameters], 1 / min(run.step + 1, max(1, average_over)))


def train_steps(
    steps: int,
    name: str,
    modules: Modules,
    loss_of: Callable[[int, float], torch.Tensor],
    work: Path,
    peak: float,
    batch: int | Callable[[float], int],
    average_over: int = 1,
    export: Callable[[], None] | None = None,
    matrices: Sequence[nn.Parameter] = (),
) -> None:
    """Minimise `loss_of(step, fraction of the run)` over `steps` steps, or what is left of them.

    `batch` is how many samples a step sees, or says so for a fraction of the run; they are only counted here. Weights
    among `matrices` follow Muon, all others AdamW.
    Leaves in the modules the weights averaged over about the last `average_over` steps, as exact as float16 files hold
    them. `export()` is called with such weights every five minutes, for an early look. A run that is over only loads.
    """
    run = start_run(name, modules, matrices, work, steps)
    began, smooth = time.monotonic() - run.seconds, None
    saved = told = exported = run.seconds
    while run.step < steps:
        fraction = run.step / steps
        loss = loss_of(run.step, fraction)
        take_step(run, loss, learning_rate(peak, fraction, run.step), average_over)
        run.samples += batch if isinstance(batch, int) else batch(fraction)
        run.seconds = time.monotonic() - began
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        last = run.step >= steps
        if run.seconds - told > TELL_EVERY or last:
            told = run.seconds
            print(f"{name}: {run.facts()} of {steps} steps, loss {smooth:.4f}", flush=True)
        if run.seconds - saved > SAVE_EVERY or last:
            saved = run.seconds
            save_run(run)
        if export and run.seconds - exported > EXPORT_EVERY and not last:
            exported = run.seconds
            current = [p.detach().clone() for p in run.parameters]
            set_weights(run.parameters, run.averaged)
            export()
            set_weights(run.parameters, current)
    set_weights(run.parameters, [average.half().float() for average in run.averaged])


def run_facts(names: Sequence[str], work: Path) -> dict[str, dict[str, float]]:
    """Steps, samples and minutes of trainings by name; empty where one of them is not in the work folder."""
    paths = {name: work / "checkpoints" / f"{name}.pt" for name in names}
    if not all(path.exists() for path in paths.values()):
        return {}
    states = {name: torch.load(path, weights_only=True) for name, path in paths.items()}
    return {name: facts_of(state["step"], state["samples"], state["seconds"]) for name, state in states.items()}


@torch.no_grad()
def set_weights(parameters: list[nn.Parameter], values: list[torch.Tensor]) -> None:
    """Copy `values` into `parameters`."""
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
