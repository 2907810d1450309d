"""Strata, distributions and weights of timesteps."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler

from darkroom.families import sdxl
from darkroom.training.timesteps import as_the_family_trains, min_snr_weights, stratified_share


def flow(shift: float | None) -> Any:
    """A family of flow matching, as far as timesteps are concerned."""
    return SimpleNamespace(
        DEFAULT_TIMESTEPS="logit-normal",
        shift_at=lambda schedule, height, width: shift and shift * height / width,
        snr=lambda schedule, timesteps: None,
    )


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 16, 20])
def test_samples_of_one_step_and_of_successive_steps_lie_in_different_strata(batch: int) -> None:
    strata = batch * max(1, 16 // batch)
    for cycle in range(3):
        shares = [stratified_share(cycle * strata + place, batch, 0, "frame") for place in range(strata)]
        assert sorted(int(share * strata) for share in shares) == list(range(strata))
    assert [stratified_share(n, batch, 0, "frame") for n in (3, 7)] == [
        stratified_share(n, batch, 0, "frame") for n in (3, 7)
    ]
    assert stratified_share(3, batch, 0, "frame") != stratified_share(3, batch, 1, "frame")


def test_uniform_shares_stay_as_they_are() -> None:
    shares = torch.rand(50, dtype=torch.float64)
    assert torch.equal(as_the_family_trains(shares, None, sdxl, None, 16, 8), shares)
    assert torch.equal(as_the_family_trains(shares, "uniform", flow(None), None, 16, 8), shares)


def test_logit_normal_is_the_sigmoid_of_a_normal_draw() -> None:
    shares = (torch.arange(10000, dtype=torch.float64) + 0.5) / 10000
    times = as_the_family_trains(shares, None, flow(None), None, 16, 8)
    logits = torch.logit(times)
    assert float(logits.mean()) == pytest.approx(0, abs=1e-6)
    assert float(logits.std()) == pytest.approx(1, abs=1e-2)
    zero = as_the_family_trains(torch.zeros(1, dtype=torch.float64), "logit-normal", sdxl, None, 16, 8)
    assert zero.tolist() == [0.0]


def test_larger_pictures_are_shifted_towards_noise() -> None:
    shares = torch.tensor([0.0, 0.25, 0.5, 0.75], dtype=torch.float64)
    shifted = as_the_family_trains(shares, "uniform", flow(1.5), None, 16, 8)
    assert shifted.tolist() == pytest.approx([0.0, 0.5, 0.75, 0.9])  # 1.5 times 16 / 8: a shift of 3


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_min_snr_weighs_the_clean_picture(prediction_type: str) -> None:
    schedule = DDPMScheduler(prediction_type=prediction_type, beta_schedule="scaled_linear", beta_start=0.00085)
    timesteps = torch.tensor([0, 100, 500, 999])
    kept = schedule.alphas_cumprod[timesteps]
    snr = kept / (1 - kept)
    clean = torch.minimum(snr, torch.full_like(snr, 5.0))
    expected = clean / snr if prediction_type == "epsilon" else clean / (snr + 1)
    assert torch.allclose(min_snr_weights(sdxl, schedule, timesteps, 5.0), expected)


def test_min_snr_is_finite_where_nothing_of_the_picture_is_left() -> None:
    schedule = DDPMScheduler(rescale_betas_zero_snr=True)
    last = torch.tensor([999])
    schedule.alphas_cumprod[999] = 0.0
    assert min_snr_weights(sdxl, schedule, last, 5.0).tolist() == [1.0]
