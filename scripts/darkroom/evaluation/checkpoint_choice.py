"""Which checkpoint to take, and why, in words."""

from collections.abc import Sequence
from typing import Any

from darkroom.errors import UserError
from darkroom.tables import Row


def choose_checkpoint(scores: Sequence[Row]) -> dict[str, Any]:
    """The step, strength and reason of the choice.

    Among the rows whose prompt following (and that of the controls) has not fallen below the base model's by more than
    one standard error of the difference, the earliest whose likeness lies within one standard error of the best.
    Earlier checkpoints know the subject as well and have forgotten less. Raises UserError where there is no row.
    """
    base = next((row for row in scores if row["step"] == "0"), None)
    rows = [row for row in scores if row["step"] != "0"]
    if base is None or not rows:
        raise UserError("scores.csv holds no base model or no checkpoint; run score_checkpoints again")
    obedient = [row for row in rows if not _has_fallen(row, base)]
    candidates = obedient or rows
    best = max(candidates, key=lambda row: float(row["likeness"]))
    enough = float(best["likeness"]) - float(best["likeness_se"])
    good = [row for row in candidates if float(row["likeness"]) >= enough]
    chosen = min(good, key=lambda row: (int(row["step"]), -float(row["likeness"])))
    return {
        "step": int(chosen["step"]),
        "strength": float(chosen["strength"]),
        "reason": _reason(chosen, best, base, len(rows) - len(obedient), bool(obedient)),
    }


def _has_fallen(row: Row, base: Row) -> bool:
    """Whether prompts or controls are followed less than by the base model, by more than one standard error."""
    for score in ("prompt_following", "control_following"):
        if row[score] and base[score]:
            error = (float(row[f"{score}_se"]) ** 2 + float(base[f"{score}_se"]) ** 2) ** 0.5
            if float(row[score]) < float(base[score]) - error:
                return True
    return False


def _reason(chosen: Row, best: Row, base: Row, refused: int, obedient: bool) -> str:
    likeness = f"likeness {float(chosen['likeness']):.2f} ± {float(chosen['likeness_se']):.2f}"
    words = [f"{likeness} on {chosen['frames']} {chosen['split'].replace('_', '-')} frames"]
    if chosen is best:
        words.append("the best")
    else:
        words.append(f"within one standard error of the best ({float(best['likeness']):.2f} at step {best['step']})")
    if chosen["prompt_following"] and base["prompt_following"]:
        words.append(
            f"prompts followed {float(chosen['prompt_following']):.2f}, base {float(base['prompt_following']):.2f}"
        )
    if chosen["prior_rise"]:
        words.append(f"loss on other things {float(chosen['prior_rise']):+.0%}")
    if not obedient:
        words.append("every checkpoint follows prompts less well than the base model")
    elif refused:
        words.append(f"{refused} left out because they follow prompts less well than the base model")
    return "; ".join(words)
