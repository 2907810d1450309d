"""Scores, without any model."""

from pathlib import Path

import pytest
from table_rows import rendered_sample

from darkroom.contracts.checkpoint_files import BASE, Variant
from darkroom.contracts.evaluation_tables import SampleScore
from darkroom.evaluation.loss_change import LossChange
from darkroom.evaluation.picture_scores import score_pictures
from darkroom.evaluation.scores import score_rows
from darkroom.storage.frames import frame_of


def test_pictures_are_scored_from_the_middle_of_the_base_model() -> None:
    """All vectors share a large part; without the middle every cosine would be near 1."""
    vectors = {
        "base a": [1.0, 0.1, 0.0],
        "base b": [1.0, -0.1, 0.0],
        "like": [1.0, 0.0, 0.2],
        "unlike": [1.0, 0.2, -0.1],
    }
    samples = [
        rendered_sample(step=step, plain_prompt="p", sha256=name)
        for step, name in ((0, "base a"), (0, "base b"), (100, "like"), (200, "unlike"))
    ]
    rows = score_pictures(samples, vectors, {"p": [1.0, 0.0, 0.0]}, [[1.0, 0.05, 0.3], [1.0, -0.05, 0.3]])
    likeness = [row.likeness for row in rows]
    assert likeness[0] == pytest.approx(0.0) and likeness[1] == pytest.approx(0.0)
    assert likeness[2] == pytest.approx(1.0) and likeness[3] < -0.4
    assert rows[0].prompt_following == pytest.approx(1.0)


def test_scores_are_means_over_pictures_and_loss_changes() -> None:
    variant = Variant(100, 1.0, Path("step-000100.safetensors"))
    changes = {
        BASE: LossChange(0.0, 0.0, 0.0, 0.0, 5, "held_out"),
        variant: LossChange(0.3, 0.01, 0.05, 0.1, 5, "held_out"),
    }
    pictures = [
        SampleScore(0, 0.0, 1, 0, False, 0.1, 0.5),
        SampleScore(100, 1.0, 1, 0, False, 0.6, 0.4),
        SampleScore(100, 1.0, 1, 1, False, 0.8, 0.6),
        SampleScore(100, 1.0, 2, 0, True, 0.2, 0.9),
    ]
    base, row = score_rows(changes, frame_of(pictures, SampleScore))
    assert (base.step, base.likeness, base.control_likeness) == (0, 0.1, None)
    assert (row.likeness, row.likeness_se) == (pytest.approx(0.7), pytest.approx(0.1))
    assert (row.prompt_following, row.control_likeness, row.control_following) == (0.5, 0.2, 0.9)
    assert (row.loss_fall, row.untriggered_fall, row.prior_rise) == (0.3, 0.05, 0.1)
