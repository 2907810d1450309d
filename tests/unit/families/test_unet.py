"""How the UNets of Stable Diffusion weigh their timesteps."""

import pytest
import torch
from diffusers import DDPMScheduler

from darkroom.families import unet


def test_without_min_snr_all_timesteps_weigh_the_same() -> None:
    assert unet.loss_weights(DDPMScheduler(), torch.tensor([0, 999]), None).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_min_snr_weighs_the_clean_picture(prediction_type: str) -> None:
    noise_scheduler = DDPMScheduler(prediction_type=prediction_type, beta_schedule="scaled_linear", beta_start=0.00085)
    timesteps = torch.tensor([0, 100, 500, 999])
    kept = noise_scheduler.alphas_cumprod[timesteps]
    snr = kept / (1 - kept)
    clean = torch.minimum(snr, torch.full_like(snr, 5.0))
    expected = clean / snr if prediction_type == "epsilon" else clean / (snr + 1)
    assert torch.allclose(unet.loss_weights(noise_scheduler, timesteps, 5.0), expected)


def test_min_snr_is_finite_where_nothing_of_the_picture_is_left() -> None:
    noise_scheduler = DDPMScheduler(rescale_betas_zero_snr=True)
    last = torch.tensor([999])
    noise_scheduler.alphas_cumprod[999] = 0.0
    assert unet.loss_weights(noise_scheduler, last, 5.0).tolist() == [1.0]
