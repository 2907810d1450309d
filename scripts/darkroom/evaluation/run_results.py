"""What a run's record says: the settings in which runs may differ, and the figures of the chosen checkpoint."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from darkroom.config.project import Target
from darkroom.config.training import TrainingSettings
from darkroom.contracts.choice import Choice
from darkroom.contracts.run_record import Figures
from darkroom.storage.tables import Row

LAST_STEPS = 20  # the training loss of one step is noise


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
