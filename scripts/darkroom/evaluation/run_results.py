"""What came of a run: the figures of the chosen checkpoint, for its record."""

from collections.abc import Sequence
from statistics import fmean

import pandas as pd

from darkroom.contracts.choice import Choice
from darkroom.contracts.run_record import Figures
from darkroom.contracts.training_tables import LoggedStep, Validation

LAST_STEPS = 20  # the training loss of one step is noise


def figures(
    choice: Choice, scores: pd.DataFrame, validation: Sequence[Validation], log: Sequence[LoggedStep]
) -> Figures:
    """The figures of a run from its choice, its scores and the rows of the tables of its training."""
    base = scores[scores["step"] == 0]
    chosen = scores[(scores["step"] == choice.step) & (scores["strength"] == choice.strength)]
    losses = {row.step: row.loss for row in validation}
    before, after = losses.get(0), losses.get(choice.step)
    return Figures(
        chosen_step=choice.step,
        chosen_strength=choice.strength,
        likeness=_first(chosen, "likeness"),
        likeness_se=_first(chosen, "likeness_se"),
        likeness_base=_first(base, "likeness"),
        prompt_following=_first(chosen, "prompt_following"),
        prompt_following_se=_first(chosen, "prompt_following_se"),
        prompt_following_base=_first(base, "prompt_following"),
        loss_before=before,
        loss_after=after,
        loss_change=after / before - 1 if before and after is not None else None,
        training_loss=fmean(row.loss for row in log[-LAST_STEPS:]) if log else None,
    )


def _first(scores: pd.DataFrame, column: str) -> float | None:
    """The value of the first row; None where there is none, or it is empty."""
    values = scores[column].dropna().tolist()[:1]
    return values[0] if values else None
