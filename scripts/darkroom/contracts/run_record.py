"""The record of a run, run.json: its settings and what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from darkroom.storage.files import read_json, write_json


@dataclass(frozen=True)
class Figures:
    """What came of a run: scores of the chosen checkpoint and of the base model, as in scores.csv, and losses.

    `loss_before` and `loss_after` are validation losses, of base model and chosen checkpoint; `training_loss` is
    the mean over the last steps. What the tables do not hold is None.
    """

    chosen_step: int
    chosen_strength: float
    likeness: float | None
    likeness_se: float | None
    likeness_base: float | None
    prompt_following: float | None
    prompt_following_se: float | None
    prompt_following_base: float | None
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
