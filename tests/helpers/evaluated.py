"""Scores as an evaluation writes them."""

import pandas as pd

from darkroom.contracts.evaluation_tables import SAMPLE_SCORES, SCORES
from darkroom.storage.frames import frame_of


def evaluated(*steps: tuple[int, float, float, float], noise: float = 0.02) -> tuple[pd.DataFrame, pd.DataFrame]:
    """scores.csv and sample_scores.csv for (step, likeness, prompt following, control following)."""
    scores, pictures = [], []
    for step, likeness, following, control in steps:
        about = {"step": str(step), "strength": "1" if step else "0"}
        values = {"likeness": f"{likeness}", "likeness_se": "0.02", "prompt_following": f"{following}"}
        scores.append({**about, **values, "loss_fall": "0.3", "prior_rise": "0.1", "frames": "5", "split": "held_out"})
        for seed in range(4):
            shift = noise * (-1) ** (seed // 2) * (1 if step % 200 else -1)
            for number, controls in (("1", "false"), ("2", "true")):
                told = control if controls == "true" else following
                row = {"number": number, "seed": str(seed), "control": controls}
                pictures.append({**about, **row, "likeness": f"{likeness + shift}", "prompt_following": f"{told}"})
    return frame_of(scores, SCORES), frame_of(pictures, SAMPLE_SCORES)
