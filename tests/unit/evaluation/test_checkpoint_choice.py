"""Which checkpoint is chosen."""

import pytest
from evaluated import evaluated

from darkroom.errors import UserError
from darkroom.evaluation.checkpoint_choice import choose_checkpoint


def test_choice_prefers_the_earliest_within_one_standard_error() -> None:
    choice = choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.39, 1, 1), (300, 0.40, 1, 1)))
    assert (choice.step, choice.strength) == (200, 1.0)
    assert "within one standard error of the best (0.40 at step 300)" in choice.reason


def test_choice_compares_picture_by_picture() -> None:
    """Without noise between pictures of the same prompt and seed a small lead is a lead."""
    steps = ((0, 0.0, 1, 1), (100, 0.2, 1, 1), (300, 0.39, 1, 1), (500, 0.40, 1, 1))
    assert choose_checkpoint(*evaluated(*steps)).step == 500


def test_choice_leaves_out_what_follows_prompts_less_well() -> None:
    choice = choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.4, 0.5, 1), (300, 0.5, 0.4, 1)))
    assert choice.step == 100 and "2 left out" in choice.reason
    assert choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.4, 1, 0.5))).step == 100
    assert choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.4, 0.92, 1))).step == 200


def test_choice_takes_the_best_where_none_obeys() -> None:
    choice = choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 0.1, 1), (200, 0.4, 0.1, 1)))
    assert choice.step == 200 and "every checkpoint follows prompts less well" in choice.reason


def test_choice_needs_a_base_and_a_checkpoint() -> None:
    with pytest.raises(UserError, match="no base model or no checkpoint"):
        choose_checkpoint(*evaluated((0, 0.0, 1, 1)))
