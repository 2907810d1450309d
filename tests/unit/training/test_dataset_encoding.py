"""Which prior pictures are kept from training."""

import pytest

from darkroom.training.dataset_encoding import HELD_OUT_PRIORS, is_held_out


@pytest.mark.parametrize("prompts", [1, 2, 3, 4, 5, 7, 8, 12, 31, 32])
def test_every_prompt_is_trained_and_a_quarter_of_the_pictures_is_not(prompts: int) -> None:
    count = HELD_OUT_PRIORS * prompts
    held = [number for number in range(count) if is_held_out(number, prompts)]
    assert len(held) == count // HELD_OUT_PRIORS
    assert {number % prompts for number in range(count) if number not in held} == set(range(prompts))


def test_held_out_pictures_lie_evenly_in_every_round() -> None:
    assert [number for number in range(12) if is_held_out(number, 4)] == [3, 6, 9]
    assert [number for number in range(12) if is_held_out(number, 3)] == [3, 7, 11]
