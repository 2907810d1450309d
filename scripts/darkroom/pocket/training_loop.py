"""One loop for all pocket models: a budget in minutes, resumable, with averaged weights and early exports."""

import math
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

Modules = dict[str, nn.Module]
CHECKPOINT_EVERY = 60.0  # seconds


def generator(name: str, step: int) -> torch.Generator:
    """The random numbers of one step of one model, the same in a resumed run."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()) * 1_000_003 + step)


def learning_rate(peak: float, fraction: float, step: int) -> float:
    """Linear warm-up over 100 steps, then a cosine from `peak` to a hundredth of it over the budget."""
    return peak * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def save_checkpoint(path: Path, state: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def train_for(
    minutes: float,
    name: str,
    modules: Modules,
    loss_of: Callable[[int, float], torch.Tensor],
    work: Path,
    peak: float,
    batch: int,
    average_over: int = 0,
    export: Callable[[Modules, dict], None] | None = None,
    export_every: float = 300.0,
) -> Modules:
    """Minimise `loss_of(step, fraction of the budget)` for `minutes` of wall time over all parts of a run.

    `average_over` > 0 keeps an exponential average of the weights over about that many steps and returns it;
    `export(modules, facts)` is called every `export_every` seconds and at the end.
    """
    path = work / "checkpoints" / f"{name}.pt"
    parameters = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    averaged = [p.detach().clone() for p in parameters]
    step, seconds, smooth = 0, 0.0, None
    if path.exists():
        state = torch.load(path, weights_only=True)
        for key, module in modules.items():
            module.load_state_dict(state["modules"][key])
        optimizer.load_state_dict(state["optimizer"])
        averaged, step, seconds = state["averaged"], state["step"], state["seconds"]
    if step and seconds >= minutes * 60:
        return with_weights(modules, parameters, averaged) if average_over else modules
    began = time.monotonic() - seconds
    saved, exported, told = seconds, seconds, seconds
    while seconds < minutes * 60:
        fraction = seconds / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(peak, fraction, step)
        loss = loss_of(step, fraction)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step, seconds = step + 1, time.monotonic() - began
        with torch.no_grad():  # the average follows faster at first, or it would remember the random start
            torch._foreach_lerp_(averaged, parameters, 1 / min(step + 1, max(1, average_over)))
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        last = seconds >= minutes * 60
        if seconds - told > 5 or last:
            told = seconds
            print(
                f"{name}: step {step}, {step * batch} samples, loss {smooth:.4f}, {seconds / 60:.1f}/{minutes:.1f} min",
                flush=True,
            )
        if seconds - saved > CHECKPOINT_EVERY or last:
            saved = seconds
            weights = {key: module.state_dict() for key, module in modules.items()}
            save_checkpoint(
                path,
                {
                    "modules": weights,
                    "averaged": averaged,
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "seconds": seconds,
                },
            )
        if export and not last and seconds - exported > export_every:
            exported = seconds
            current = [p.detach().clone() for p in parameters]
            facts = {"steps": step, "samples": step * batch, "minutes": round(seconds / 60, 1)}
            export(with_weights(modules, parameters, averaged) if average_over else modules, facts)
            with_weights(modules, parameters, current)
    if average_over:
        with_weights(modules, parameters, averaged)
    if export:
        export(modules, {"steps": step, "samples": step * batch, "minutes": round(seconds / 60, 1)})
    return modules


@torch.no_grad()
def with_weights(modules: Modules, parameters: list[nn.Parameter], values: list[torch.Tensor]) -> Modules:
    """The same modules with `values` copied into their parameters."""
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
    return modules
