"""Strata, distributions and weights of timesteps."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from darkroom.families import flux, sdxl
from darkroom.training.timesteps import stratified_u, training_u


def flow(move: Callable[[Any, Any, int, int], Any] = lambda noise_scheduler, u, height, width: u) -> Any:
    """A family of flow matching, as far as timesteps are concerned, with its shift."""
    return SimpleNamespace(DEFAULT_TIMESTEPS="logit-normal", shifted=move)


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 16, 20])
def test_samples_of_one_step_and_of_successive_steps_lie_in_different_strata(batch: int) -> None:
    strata = batch * max(1, 16 // batch)
    for cycle in range(3):
        u = [stratified_u(cycle * strata + place, batch, 0, "frame") for place in range(strata)]
        assert sorted(int(place * strata) for place in u) == list(range(strata))
    assert [stratified_u(n, batch, 0, "frame") for n in (3, 7)] == [stratified_u(n, batch, 0, "frame") for n in (3, 7)]
    assert stratified_u(3, batch, 0, "frame") != stratified_u(3, batch, 1, "frame")


def test_uniform_u_stay_as_they_are() -> None:
    u = torch.rand(50, dtype=torch.float64)
    assert torch.equal(training_u(u, None, sdxl, None, 16, 8), u)
    assert torch.equal(training_u(u, "uniform", flow(), None, 16, 8), u)


def test_logit_normal_is_the_sigmoid_of_a_normal_draw() -> None:
    u = (torch.arange(10000, dtype=torch.float64) + 0.5) / 10000
    times = training_u(u, None, flow(), None, 16, 8)
    logits = torch.logit(times)
    assert float(logits.mean()) == pytest.approx(0, abs=1e-6)
    assert float(logits.std()) == pytest.approx(1, abs=1e-2)
    zero = training_u(torch.zeros(1, dtype=torch.float64), "logit-normal", sdxl, None, 16, 8)
    assert zero.tolist() == [0.0]


def test_larger_pictures_are_shifted_towards_noise() -> None:
    u = torch.tensor([0.0, 0.25, 0.5, 0.75], dtype=torch.float64)
    config = SimpleNamespace(use_dynamic_shifting=False, shift=3.0)
    moved = training_u(u, "uniform", flux, SimpleNamespace(config=config), 16, 8)
    assert moved.tolist() == pytest.approx([0.0, 0.5, 0.75, 0.9])


def test_the_shift_comes_after_the_distribution_and_knows_the_size() -> None:
    u = torch.tensor([0.25, 0.5], dtype=torch.float64)
    moved = training_u(u, None, flow(lambda noise_scheduler, u, height, width: u * height / width), None, 16, 8)
    assert torch.allclose(moved, 2 * torch.special.ndtri(u).sigmoid())
