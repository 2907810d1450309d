"""The table of scores: a row for the base model and for each checkpoint at each strength."""

from collections.abc import Mapping

import pandas as pd

from darkroom.contracts.checkpoint_files import Variant
from darkroom.contracts.evaluation_tables import Score
from darkroom.evaluation.loss_change import LossChange
from darkroom.mean_and_error import mean_and_error


def score_rows(changes: Mapping[Variant, LossChange], pictures: pd.DataFrame) -> list[Score]:
    """One score per variant, the base first. `pictures` is a frame of `SampleScore`s."""
    groups = dict(list(pictures.groupby(["step", "strength", "control"], sort=False)))
    rows = []
    for variant, change in changes.items():
        subject, controls = (groups.get((*variant.key, control)) for control in (False, True))
        score = Score(
            *variant.key,
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
        rows.append(score)
    return rows


def _mean(pictures: pd.DataFrame | None, column: str) -> tuple[float | None, float | None]:
    """Mean and standard error over pictures; None where there is none."""
    return (None, None) if pictures is None else mean_and_error(pictures[column].tolist())
