"""The paired loss: the same frames, the same noise, the same timesteps, whatever the adapter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import torch

from darkroom.config.training import ValidationSettings
from darkroom.contracts.frame_names import view_means
from darkroom.training.encodings import Encoding, Encodings
from darkroom.training.hearing import FROZEN, Hearing
from darkroom.training.keyed_random import normal_at
from darkroom.training.masked_loss import masked_loss, pixel_weights

CELLS_AT_ONCE = 16384


@dataclass(frozen=True)
class Judge:
    """All that a paired loss needs but the denoiser: family, noise schedule, encodings, place, and what is heard."""

    family: ModuleType
    schedule: Any
    encodings: Encodings
    settings: ValidationSettings
    device: torch.device
    hearing: Hearing = FROZEN


def paired_loss(denoiser: Any, frame: Encoding, judge: Judge) -> float:
    """The loss of one frame: the mean over evenly spaced timesteps, each with noise that only the frame decides."""
    count = judge.settings.timesteps
    latents = judge.encodings.tensors(frame.latents)["latents"]
    noise = [normal_at(tuple(latents.shape), judge.settings.seed, frame.name, k, "validation") for k in range(count)]
    shares = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    timesteps = judge.family.timesteps_at(judge.schedule, shares)
    # The same chunks for the same frame on every machine, so that the sum is the same, too.
    size = max(1, CELLS_AT_ONCE // (latents.shape[1] * latents.shape[2]))
    losses = [
        _losses(denoiser, frame, judge, latents, torch.stack(noise[start : start + size]), steps)
        for start, steps in zip(range(0, count, size), timesteps.split(size), strict=True)
    ]
    return float(torch.cat(losses).double().mean())


def _losses(
    denoiser: Any, frame: Encoding, judge: Judge, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
) -> torch.Tensor:
    count, device = len(timesteps), judge.device
    repeated = latents.expand(count, *latents.shape).to(device)
    noise, timesteps = noise.to(device), timesteps.to(device)
    text = {name: tensor[None].to(device) for name, tensor in judge.encodings.tensors(frame.text).items()}
    sizes = torch.tensor([[frame.height, frame.width]]).expand(count, 2).to(device)
    noisy = judge.family.add_noise(judge.schedule, repeated, noise, timesteps)
    wanted = judge.family.target(judge.schedule, repeated, noise, timesteps)
    with torch.no_grad():
        heard = judge.hearing(text)
        stacked = {name: tensor.expand(count, *tensor.shape[1:]) for name, tensor in heard.items()}
        answer = judge.family.predict(denoiser, noisy, timesteps, stacked, sizes)
    weights = mask_weights(frame, judge.encodings, latents, judge.settings.background_weight).to(device)
    return masked_loss(answer, wanted, weights.expand(count, *weights.shape)).cpu()


def mask_weights(frame: Encoding, encodings: Encodings, latents: torch.Tensor, background: float) -> torch.Tensor:
    """The weights (height, width) of a frame's cells; all 1 where it has no mask, or an empty one."""
    mask = encodings.mask_of(frame)
    return torch.ones(latents.shape[1:]) if mask is None else pixel_weights(mask, background)


def judged_frames(encodings: Encodings, settings: ValidationSettings) -> tuple[str, list[Encoding]]:
    """The frames that are judged and their split: held out, or those trained on where none is held out."""
    split = "held_out" if encodings.of("frame", "held_out") else "train"
    return split, encodings.of("frame", split)[: settings.frames]


def photo_losses(frames: Sequence[Encoding], losses: Sequence[float]) -> list[float]:
    """The losses of frames, or other numbers of theirs, as one mean for each photo or closer view.

    Frames of one at several resolutions are no independent measures, so that a standard error counts photos.
    """
    return view_means([frame.name for frame in frames], losses)


def untriggered(frame: Encoding) -> Encoding:
    """A frame under its caption without the trigger: what of the subject shows unasked."""
    return replace(frame, text=frame.untriggered)


def judged_priors(encodings: Encodings, settings: ValidationSettings) -> list[Encoding]:
    """The prior pictures that are judged: they show how much the LoRA disturbs what it should leave alone."""
    return encodings.of("prior", "held_out")[: settings.frames]
