"""Which timesteps a training sees, as `u`: places in [0, 1) on the way from data to noise."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import torch

from darkroom.families.base import ModelFamily
from darkroom.training.keyed_random import generator_at, uniform_at

if TYPE_CHECKING:
    from diffusers import SchedulerMixin

STRATA = 16


def stratified_u(index: int, batch: int, *key: Any) -> float:
    """The place `u` of a running sample (from 0), evenly distributed in [0, 1), drawn under an RNG key.

    [0, 1) is cut into about 16 strata, at least one for each of the `batch` samples of a step. Each stratum is drawn
    once before any is drawn again, so that a step, and steps that follow each other, see far apart timesteps.
    """
    strata = batch * max(1, STRATA // batch)
    cycle, position = divmod(index, strata)
    return (_order(strata, *key, cycle)[position] + uniform_at(*key, index, "timestep")) / strata


@lru_cache(maxsize=8)
def _order(strata: int, *key: Any) -> list[int]:
    return [int(stratum) for stratum in torch.randperm(strata, generator=generator_at(*key, "strata"))]


def training_u(
    u: torch.Tensor,
    distribution: Literal["uniform", "logit-normal"] | None,
    family: ModelFamily,
    noise_scheduler: SchedulerMixin,
    height: int,
    width: int,
) -> torch.Tensor:
    """Evenly distributed `u` (count) as the distribution of the family, or the one asked for, wants it.

    Logit-normal with mean 0 and deviation 1, then the family's shift towards noise for latents of this height and width
    (Esser et al. 2024, arXiv:2403.03206).
    """
    if (distribution or family.DEFAULT_TIMESTEPS) == "logit-normal":
        u = torch.special.ndtri(u).sigmoid()
    return family.shifted(noise_scheduler, u, height, width)
