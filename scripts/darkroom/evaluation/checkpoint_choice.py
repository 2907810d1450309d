"""Which checkpoint to take, and why, in words."""

import pandas as pd

from darkroom.contracts.checkpoint_files import BASE, VariantKey
from darkroom.contracts.choice import Choice
from darkroom.errors import UserError
from darkroom.mean_and_error import mean_and_error

VARIANT = ["step", "strength"]
CLEAR_FALL = 0.1  # of the base model's prompt following
CLEAR_ERRORS = 2.0


def choose_checkpoint(scores: pd.DataFrame, pictures: pd.DataFrame) -> Choice:
    """The step, strength and reason of the choice; frames of `contracts.evaluation_tables`.

    Checkpoints that follow prompts (or control prompts) clearly less well than the base model, by more than a
    tenth and by more than two standard errors, are left out. Of the rest the earliest is taken whose likeness lies
    within one standard error of the best: it knows the subject as well and has forgotten less. Standard errors are
    those of the differences between pictures of the same prompt and seed.
    Raises UserError where there is no checkpoint to choose from.
    """
    by_variant = scores.set_index(VARIANT, drop=False)
    if BASE.key not in by_variant.index or len(by_variant) == 1:
        raise UserError("scores.csv holds no base model or no checkpoint; run score_checkpoints again")
    compared = by_variant.drop(index=BASE.key)
    fallen = [key for key in compared.index if _has_fallen(pictures, key)]
    candidates = compared if len(fallen) == len(compared) else compared.drop(index=fallen)
    best: VariantKey = candidates["likeness"].idxmax()  # type: ignore[assignment]
    good = candidates.loc[[key == best or _as_good(pictures, key, best) for key in candidates.index]]
    chosen = (
        good.reset_index(drop=True).sort_values(["step", "likeness"], ascending=[True, False], kind="stable").iloc[0]
    )
    base = by_variant.loc[[BASE.key]].iloc[0]
    reason = _reason(chosen, candidates.loc[[best]].iloc[0], base, len(fallen), len(compared))
    return Choice(int(chosen["step"]), float(chosen["strength"]), reason)


def differences(
    pictures: pd.DataFrame, one: VariantKey, other: VariantKey, score: str, control: bool = False
) -> tuple[float, float] | None:
    """Mean and standard error of one variant's score less the other's, picture by picture; None without pictures."""
    of_kind = pictures[pictures["control"] == control]
    first, second = (
        of_kind[(of_kind["step"] == step) & (of_kind["strength"] == strength)].set_index(["number", "seed"])[score]
        for step, strength in (one, other)
    )
    lead = (first - second).reindex(first.index).dropna()
    return mean_and_error(lead.tolist()) if len(lead) else None


def _as_good(pictures: pd.DataFrame, key: VariantKey, best: VariantKey) -> bool:
    """Whether a variant's likeness lies within one standard error of the best."""
    lead = differences(pictures, best, key, "likeness")
    return lead is not None and lead[0] <= lead[1]


def _has_fallen(pictures: pd.DataFrame, key: VariantKey) -> bool:
    """Whether prompts or controls are followed clearly less well than by the base model."""
    for control in (False, True):
        change = differences(pictures, key, BASE.key, "prompt_following", control)
        if change is None:
            continue
        base = pictures[(pictures["step"] == 0) & (pictures["control"] == control)]["prompt_following"]
        if change[0] < -max(CLEAR_ERRORS * change[1], CLEAR_FALL * abs(mean_and_error(base.tolist())[0])):
            return True
    return False


def _reason(chosen: pd.Series, best: pd.Series, base: pd.Series, refused: int, compared: int) -> str:
    words = [f"likeness {chosen['likeness']:.2f} ± {chosen['likeness_se']:.2f} (base {base['likeness']:.2f})"]
    if (chosen["step"], chosen["strength"]) == (best["step"], best["strength"]):
        words.append("the best")
    else:
        words.append(f"within one standard error of the best ({best['likeness']:.2f} at step {best['step']})")
    words.append(f"prompts followed {chosen['prompt_following']:.2f} (base {base['prompt_following']:.2f})")
    words.append(f"loss on {chosen['split'].replace('_', '-')} frames {-chosen['loss_fall']:+.0%}")
    if pd.notna(chosen["prior_rise"]):
        words.append(f"on other things {chosen['prior_rise']:+.0%}")
    if refused == compared:
        words.append("every checkpoint follows prompts less well than the base model")
    elif refused:
        words.append(f"{refused} left out because they follow prompts less well than the base model")
    return "; ".join(words)
