"""Which timesteps a training sees, and how much each counts."""

from functools import lru_cache
from types import ModuleType
from typing import Any, Literal

import torch

from darkroom.training.keyed_random import generator_at, uniform_at

STRATA = 16


def stratified_share(number: int, batch: int, *address: Any) -> float:
    """The place in [0, 1) of a running sample (from 0) in the distribution of timesteps.

    [0, 1) is cut into about 16 strata, at least one for each of the `batch` samples of a step. Each stratum is drawn
    once before any is drawn again, so that a step, and steps that follow each other, see far apart timesteps.
    """
    strata = batch * max(1, STRATA // batch)
    cycle, place = divmod(number, strata)
    return (_order(strata, *address, cycle)[place] + uniform_at(*address, number, "timestep")) / strata


@lru_cache(maxsize=8)
def _order(strata: int, *address: Any) -> list[int]:
    return [int(stratum) for stratum in torch.randperm(strata, generator=generator_at(*address, "strata"))]


def as_the_family_trains(
    shares: torch.Tensor,
    timesteps: Literal["uniform", "logit-normal"] | None,
    family: ModuleType,
    schedule: Any,
    height: int,
    width: int,
) -> torch.Tensor:
    """Shares in [0, 1), evenly distributed, as the distribution of the family or the one asked for wants them.

    Logit-normal with mean 0 and deviation 1, then the shift s of larger pictures towards noise, s t / (1 + (s - 1) t)
    (Esser et al. 2024, arXiv:2403.03206), where the family has one for latents of this height and width.
    """
    if (timesteps or family.DEFAULT_TIMESTEPS) == "logit-normal":
        shares = torch.special.ndtri(shares).sigmoid()
    shift = family.shift_at(schedule, height, width)
    return shares if shift is None else shift * shares / (1 + (shift - 1) * shares)


def min_snr_weights(family: ModuleType, schedule: Any, timesteps: torch.Tensor, gamma: float) -> torch.Tensor:
    """The weight (count) of each timestep: min(SNR, gamma) on the clean picture (Hang et al. 2023, arXiv:2303.09556).

    That is min(SNR, gamma) / SNR of an error in the noise and min(SNR, gamma) / (SNR + 1) of one in v.
    """
    snr = family.snr(schedule, timesteps)
    if schedule.config.prediction_type == "v_prediction":
        return torch.clamp(snr, max=gamma) / (snr + 1)
    return torch.clamp(gamma / snr, max=1)
