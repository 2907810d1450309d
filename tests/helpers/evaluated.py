"""Scores as an evaluation writes them."""

import pandas as pd
from table_rows import score

from darkroom.contracts.evaluation_tables import SampleScore, Score
from darkroom.storage.frames import frame_of


def evaluated(*steps: tuple[int, float, float, float], noise: float = 0.02) -> tuple[pd.DataFrame, pd.DataFrame]:
    """scores.csv and sample_scores.csv for (step, likeness, prompt following, control following)."""
    scores, pictures = [], []
    for step, likeness, following, control in steps:
        variant = step, float(step > 0)
        scores.append(score(*variant, likeness=likeness, likeness_se=0.02, prompt_following=following))
        for seed in range(4):
            shift = noise * (-1) ** (seed // 2) * (1 if step % 200 else -1)
            pictures.append(SampleScore(*variant, 1, seed, False, likeness + shift, following))
            pictures.append(SampleScore(*variant, 2, seed, True, likeness + shift, control))
    return frame_of(scores, Score), frame_of(pictures, SampleScore)
