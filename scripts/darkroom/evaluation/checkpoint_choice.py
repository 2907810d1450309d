"""Which checkpoint to take, and why, in words."""

from collections.abc import Sequence

from darkroom.contracts.choice import Choice
from darkroom.errors import UserError
from darkroom.mean_and_error import mean_and_error
from darkroom.storage.tables import Row

Variant = tuple[int, float]
CLEAR_FALL = 0.1  # of the base model's prompt following
CLEAR_ERRORS = 2.0


def choose_checkpoint(scores: Sequence[Row], pictures: Sequence[Row]) -> Choice:
    """The step, strength and reason of the choice.

    Checkpoints that follow prompts (or control prompts) clearly less well than the base model, by more than a
    tenth and by more than two standard errors, are left out. Of the rest the earliest is taken whose likeness lies
    within one standard error of the best: it knows the subject as well and has forgotten less. Standard errors are
    those of the differences between pictures of the same prompt and seed, rows of sample_scores.csv.
    Raises UserError where there is no checkpoint to choose from.
    """
    by_variant = {(int(row["step"]), float(row["strength"])): row for row in scores}
    base = by_variant.pop((0, 0.0), None)
    if base is None or not by_variant:
        raise UserError("scores.csv holds no base model or no checkpoint; run score_checkpoints again")
    disobedient = [variant for variant in by_variant if _has_fallen(pictures, variant)]
    candidates = [variant for variant in by_variant if variant not in disobedient] or list(by_variant)
    best = max(candidates, key=lambda variant: float(by_variant[variant]["likeness"]))
    good = [variant for variant in candidates if variant == best or _as_good(pictures, variant, best)]
    chosen = min(good, key=lambda variant: (variant[0], -float(by_variant[variant]["likeness"])))
    reason = _reason(by_variant[chosen], by_variant[best], base, len(disobedient), len(by_variant))
    return Choice(*chosen, reason)


def differences(
    pictures: Sequence[Row], one: Variant, other: Variant, score: str, control: bool = False
) -> tuple[float, float] | None:
    """Mean and standard error of one variant's score less the other's, picture by picture; None without pictures."""
    found: dict[Variant, dict[tuple[str, str], float]] = {one: {}, other: {}}
    for row in pictures:
        variant = (int(row["step"]), float(row["strength"]))
        if variant in found and (row["control"] == "true") == control:
            found[variant][row["number"], row["seed"]] = float(row[score])
    shared = [place for place in found[one] if place in found[other]]
    return mean_and_error([found[one][place] - found[other][place] for place in shared]) if shared else None


def _as_good(pictures: Sequence[Row], variant: Variant, best: Variant) -> bool:
    """Whether a variant's likeness lies within one standard error of the best."""
    lead = differences(pictures, best, variant, "likeness")
    return lead is not None and lead[0] <= lead[1]


def _has_fallen(pictures: Sequence[Row], variant: Variant) -> bool:
    """Whether prompts or controls are followed clearly less well than by the base model."""
    for control in (False, True):
        change = differences(pictures, variant, (0, 0.0), "prompt_following", control)
        if change is None:
            continue
        base = [
            float(row["prompt_following"])
            for row in pictures
            if row["step"] == "0" and (row["control"] == "true") == control
        ]
        if change[0] < -max(CLEAR_ERRORS * change[1], CLEAR_FALL * abs(mean_and_error(base)[0])):
            return True
    return False


def _reason(chosen: Row, best: Row, base: Row, refused: int, compared: int) -> str:
    words = [f"likeness {float(chosen['likeness']):.2f} ± {float(chosen['likeness_se']):.2f}"]
    words[0] += f" (base {float(base['likeness']):.2f})"
    if chosen is best:
        words.append("the best")
    else:
        words.append(f"within one standard error of the best ({float(best['likeness']):.2f} at step {best['step']})")
    followed, before = (float(row["prompt_following"]) for row in (chosen, base))
    words.append(f"prompts followed {followed:.2f} (base {before:.2f})")
    words.append(f"loss on {chosen['split'].replace('_', '-')} frames {-float(chosen['loss_fall']):+.0%}")
    if chosen["prior_rise"]:
        words.append(f"on other things {float(chosen['prior_rise']):+.0%}")
    if refused == compared:
        words.append("every checkpoint follows prompts less well than the base model")
    elif refused:
        words.append(f"{refused} left out because they follow prompts less well than the base model")
    return "; ".join(words)
