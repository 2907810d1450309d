"""The table of scores: a row for the base model and for each checkpoint at each strength."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.evaluation.checkpoints import Variant
from darkroom.evaluation.likeness import Likeness
from darkroom.evaluation.prompt_following import Following, following, share_found
from darkroom.tables import Row

COLUMNS = (
    "step",
    "strength",
    "likeness",
    "likeness_se",
    "prompt_following",
    "prompt_following_se",
    "control_following",
    "control_following_se",
    "prior_rise",
    "frames",
    "split",
)


def score_rows(
    likeness: Mapping[Variant, Likeness], samples: Sequence[Row], descriptions: Mapping[str, str], subject: str
) -> list[dict[str, Any]]:
    """One row per variant, the base first. `descriptions` says by sha256 what the captioner saw in a picture."""
    rows = []
    for variant, score in likeness.items():
        prompts = _following(variant, samples, descriptions, subject, "false")
        controls = _following(variant, samples, descriptions, subject, "true")
        values = (
            variant.step,
            variant.strength,
            score.likeness,
            score.error,
            prompts.mean,
            prompts.error,
            controls.mean,
            controls.error,
            score.prior_rise,
            score.frames,
            score.split,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _following(
    variant: Variant, samples: Sequence[Row], descriptions: Mapping[str, str], subject: str, control: str
) -> Following:
    chosen = [
        row
        for row in samples
        if (int(row["step"]), float(row["strength"])) == (variant.step, variant.strength) and row["control"] == control
    ]
    return following(share_found(row["prompt"], subject, descriptions[row["sha256"]]) for row in chosen)
