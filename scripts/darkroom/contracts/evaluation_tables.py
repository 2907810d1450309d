"""The tables of an evaluation as typed frames: scores.csv and sample_scores.csv."""

from pathlib import Path

import pandas as pd

from darkroom.storage.frames import Columns, read_frame

# Scores are means over pictures, each with its standard error; `control_` is of control prompts. `loss_fall` and
# `untriggered_fall` are shares of the base model's validation loss, `prior_rise` of that on prior pictures.
SCORES: Columns = {
    "step": "int",
    "strength": "float",
    "likeness": "float",
    "likeness_se": "float",
    "prompt_following": "float",
    "prompt_following_se": "float",
    "control_likeness": "float",
    "control_likeness_se": "float",
    "control_following": "float",
    "control_following_se": "float",
    "loss_fall": "float",
    "loss_fall_se": "float",
    "untriggered_fall": "float",
    "prior_rise": "float",
    "frames": "int",
    "split": "str",
}
# A row per picture: the number of its prompt, and whether that is a control.
SAMPLE_SCORES: Columns = {
    "step": "int",
    "strength": "float",
    "number": "int",
    "seed": "int",
    "control": "bool",
    "likeness": "float",
    "prompt_following": "float",
}


def read_scores(path: Path) -> pd.DataFrame:
    """scores.csv: a row per checkpoint and strength, the base model as step 0 at strength 0."""
    return read_frame(path, SCORES)


def read_sample_scores(path: Path) -> pd.DataFrame:
    """sample_scores.csv: a row per picture."""
    return read_frame(path, SAMPLE_SCORES)
