"""The table of scores: a row for the base model and for each checkpoint at each strength."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.contracts.checkpoint_files import Variant
from darkroom.evaluation.loss_change import LossChange
from darkroom.mean_and_error import mean_and_error

COLUMNS = (
    "step",
    "strength",
    "likeness",
    "likeness_se",
    "prompt_following",
    "prompt_following_se",
    "control_likeness",
    "control_likeness_se",
    "control_following",
    "control_following_se",
    "loss_fall",
    "loss_fall_se",
    "untriggered_fall",
    "prior_rise",
    "frames",
    "split",
)


def score_rows(changes: Mapping[Variant, LossChange], pictures: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per variant, the base first. `pictures` are rows of sample_scores.csv."""
    rows = []
    for variant, change in changes.items():
        own = [
            row for row in pictures if (int(row["step"]), float(row["strength"])) == (variant.step, variant.strength)
        ]
        subject = [row for row in own if row["control"] != "true"]
        controls = [row for row in own if row["control"] == "true"]
        values = (
            variant.step,
            variant.strength,
            *_mean(subject, "likeness"),
            *_mean(subject, "prompt_following"),
            *_mean(controls, "likeness"),
            *_mean(controls, "prompt_following"),
            change.fall,
            change.error,
            change.untriggered_fall,
            change.prior_rise,
            change.frames,
            change.split,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _mean(rows: Sequence[Mapping[str, Any]], column: str) -> tuple[float | None, float | None]:
    """Mean and standard error over pictures; None where there is none."""
    return mean_and_error([float(row[column]) for row in rows]) if rows else (None, None)
