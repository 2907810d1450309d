"""The tables of an evaluation, scores.csv and sample_scores.csv, as rows and as typed frames."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from darkroom.storage.frames import frame_of
from darkroom.storage.tables import read_rows


@dataclass(frozen=True)
class Score:
    """A checkpoint at a strength; the base model is step 0 at strength 0.

    Scores are means over pictures, each with its standard error, None without pictures; `control_` is of control
    prompts. `loss_fall` and `untriggered_fall` are shares of the base model's validation loss on so many `frames` of
    `split`, `prior_rise` of that on prior pictures, None without any.
    """

    step: int
    strength: float
    likeness: float | None
    likeness_se: float | None
    prompt_following: float | None
    prompt_following_se: float | None
    control_likeness: float | None
    control_likeness_se: float | None
    control_following: float | None
    control_following_se: float | None
    loss_fall: float
    loss_fall_se: float
    untriggered_fall: float
    prior_rise: float | None
    frames: int
    split: str


@dataclass(frozen=True)
class SampleScore:
    """A picture: of which checkpoint, the number of its prompt, whether that is a control, and its scores."""

    step: int
    strength: float
    number: int
    seed: int
    control: bool
    likeness: float
    prompt_following: float


def read_scores(path: Path) -> pd.DataFrame:
    """scores.csv: a row per checkpoint and strength, the base model first."""
    return frame_of(read_rows(path, Score), Score)


def read_sample_scores(path: Path) -> pd.DataFrame:
    """sample_scores.csv: a row per picture."""
    return frame_of(read_rows(path, SampleScore), SampleScore)
