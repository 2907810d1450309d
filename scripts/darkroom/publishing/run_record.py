"""The record of a run, run.json: its settings and what came of it, for `compare_runs`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from darkroom.config.project import Target
from darkroom.config.training import TrainingSettings
from darkroom.contracts.choice import Choice
from darkroom.storage.files import read_json, write_json
from darkroom.storage.tables import Row

LAST_STEPS = 20  # the training loss of one step is noise


@dataclass(frozen=True)
class Figures:
    """What came of a run: scores of the chosen checkpoint and of the base model, as in scores.csv, and losses.

    `loss_before` and `loss_after` are paired losses, of the base model and of the chosen checkpoint; `training_loss` is
    the mean over the last LAST_STEPS steps. What the tables do not hold is empty or None.
    """

    chosen_step: int
    chosen_strength: float
    likeness: str
    likeness_se: str
    likeness_base: str
    prompt_following: str
    prompt_following_se: str
    prompt_following_base: str
    loss_before: float | None
    loss_after: float | None
    loss_change: float | None
    training_loss: float | None


@dataclass(frozen=True)
class RunRecord:
    """A run by its target and label: the settings in which runs may differ, by name, and what came of it."""

    target: str
    run: str
    settings: Mapping[str, Any]
    figures: Figures


def write_run(path: Path, run: RunRecord) -> None:
    """Write run.json."""
    write_json(path, asdict(run))


def read_run(path: Path) -> RunRecord:
    """Read run.json."""
    content = read_json(path)
    return RunRecord(content["target"], content["run"], content["settings"], Figures(**content["figures"]))


def run_settings(training: TrainingSettings, target: Target, base_model: str) -> dict[str, Any]:
    """What may differ between runs: all of their training, the base model, and of their target what decides most."""
    of_target = {
        "model": base_model,
        "resolution": target.crop.resolution,
        "caption_style": target.captions.style,
        "prior_weight": target.prior.weight,
    }
    return training.model_dump(mode="json") | of_target


def figures(choice: Choice, scores: Sequence[Row], validation: Sequence[Row], log: Sequence[Row]) -> Figures:
    """The figures of a run from its choice and the rows of its tables."""
    base = next((row for row in scores if int(row["step"]) == 0), {})
    chosen = next(
        (row for row in scores if int(row["step"]) == choice.step and float(row["strength"]) == choice.strength),
        {},
    )
    losses = {int(row["step"]): float(row["loss"]) for row in validation}
    before, after = losses.get(0), losses.get(choice.step)
    return Figures(
        chosen_step=choice.step,
        chosen_strength=choice.strength,
        likeness=chosen.get("likeness", ""),
        likeness_se=chosen.get("likeness_se", ""),
        likeness_base=base.get("likeness", ""),
        prompt_following=chosen.get("prompt_following", ""),
        prompt_following_se=chosen.get("prompt_following_se", ""),
        prompt_following_base=base.get("prompt_following", ""),
        loss_before=before,
        loss_after=after,
        loss_change=after / before - 1 if before and after is not None else None,
        training_loss=fmean(float(row["loss"]) for row in log[-LAST_STEPS:]) if log else None,
    )
