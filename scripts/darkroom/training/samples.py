"""The samples of a step, each drawn under its RNG key, and the batches they are stacked into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch

from darkroom.config.training import PriorSettings, TrainingSettings, share_of_prior
from darkroom.families.base import ModelFamily
from darkroom.training.batch_order import BatchOrder, prior_samples
from darkroom.training.encodings import Encoding, Encodings, Tensors
from darkroom.training.keyed_random import normal_at, uniform_at
from darkroom.training.masked_loss import pixel_weights
from darkroom.training.timesteps import stratified_u, training_u

if TYPE_CHECKING:
    from diffusers import SchedulerMixin


@dataclass(frozen=True)
class Sample:
    """One encoding at one step: which latents, which text, which noise (by its RNG key) and its weight in the loss.

    `u`, in [0, 1), says where in the distribution of timesteps it lies. A prior sample is one on which the adapter
    is to change nothing.
    """

    encoding: Encoding
    key: str
    mirrored: bool
    text: str
    loss_weight: float
    is_prior: bool
    u: float


@dataclass(frozen=True)
class Batch:
    """Samples of one size, stacked: latents, noise, timesteps, texts, sizes in pixels, weights of cells and of samples.

    `held` (count, height, width) says how far each cell's target is what the base model predicts: 1 in prior samples.
    `held_rows` are the indices of the samples in which it does so anywhere.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: Tensors
    sizes: torch.Tensor
    weights: torch.Tensor
    held: torch.Tensor
    held_rows: torch.Tensor
    loss_weights: torch.Tensor
    is_prior: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        text = {name: tensor.to(device) for name, tensor in self.text.items()}
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return Batch(**{name: tensor.to(device) for name, tensor in parts.items() if name != "text"}, text=text)


class SampleOrder:
    """The samples of every step of a run: frames by `BatchOrder` and, where the prior is on, prior samples.

    Prior samples are prior pictures, and the subject's frames under their captions without the trigger. Where each step
    has some of these, they are frames of its own: of its size, so that they make no passes of their own.
    """

    def __init__(self, encodings: Encodings, settings: TrainingSettings, prior: PriorSettings) -> None:
        self._encodings, self._settings = encodings, settings
        self._frames = {row.name: row for row in encodings.of("frame", "train")}
        self._priors = {row.name: row for row in encodings.of("prior", "train")}
        self._frame_order = self._order(self._frames, settings.batch, "frame")
        self._prior_share = share_of_prior(settings, prior) if self._priors else 0.0
        self._prior_weight, self._untriggered = prior.weight, prior.untriggered
        self._prior_order = self._order(self._priors, 1, "prior")
        self._untriggered_order = self._order(self._frames, 1, "untriggered")

    def _order(self, rows: dict[str, Encoding], batch: int, purpose: str) -> BatchOrder:
        sizes = {name: row.size for name, row in rows.items()}
        return BatchOrder(sizes, batch, self._settings.seed, purpose)

    def samples(self, step: int) -> list[Sample]:
        """The samples of a step (from 1); their weights in the loss are such that each part is a mean."""
        batch = self._settings.batch
        names = self._frame_order.frames_of(step)
        samples = [self._frame_sample(step, index, name) for index, name in enumerate(names)]
        weight = self._prior_weight / (batch * self._prior_share) if self._prior_share else 0.0
        for index, count in enumerate(prior_samples(step, batch, self._prior_share)):
            samples.append(self._prior_sample(index, count, weight, names))
        return samples

    def _prior_sample(self, index: int, count: int, weight: float, names: list[str]) -> Sample:
        """The prior sample after `count` others: pictures and untriggered frames by turns, as often as is asked for.

        `names` are the frames of its step.
        """
        u = stratified_u(count, 1, self._settings.seed, "prior")
        frames = int((count + 1) * self._untriggered)
        if frames > int(count * self._untriggered):
            own = self._settings.batch * self._prior_share * self._untriggered >= 1
            name = names[(frames - 1) % len(names)] if own else self._untriggered_order.frames_of(frames)[0]
            row = self._frames[name]
            return Sample(row, f"prior {index}", False, row.untriggered, weight, is_prior=True, u=u)
        row = self._priors[self._prior_order.frames_of(count + 1 - frames)[0]]
        return Sample(row, f"prior {index}", False, row.text, weight, is_prior=True, u=u)

    def _frame_sample(self, step: int, index: int, name: str) -> Sample:
        row, settings = self._frames[name], self._settings
        dropped = uniform_at(settings.seed, step, index, "caption dropout") < settings.caption_dropout
        mirrored = settings.flip and uniform_at(settings.seed, step, index, "mirror") < 0.5
        text = self._encodings.empty.text if dropped else row.text
        u = stratified_u((step - 1) * settings.batch + index, settings.batch, settings.seed, "frame")
        return Sample(row, f"frame {index}", mirrored, text, 1 / settings.batch, is_prior=False, u=u)


def batches(
    samples: list[Sample],
    step: int,
    encodings: Encodings,
    settings: TrainingSettings,
    family: ModelFamily,
    noise_scheduler: SchedulerMixin,
) -> Iterator[Batch]:
    """The samples of a step, stacked by size, at most `micro_batch` of them at once; on the CPU."""
    by_size: dict[tuple[int, int], list[Sample]] = {}
    for sample in samples:
        by_size.setdefault(sample.encoding.size, []).append(sample)
    for group in by_size.values():
        most = settings.micro_batch or len(group)
        for start in range(0, len(group), most):
            yield _stacked(group[start : start + most], step, encodings, settings, family, noise_scheduler)


def _stacked(
    group: list[Sample],
    step: int,
    encodings: Encodings,
    settings: TrainingSettings,
    family: ModelFamily,
    noise_scheduler: SchedulerMixin,
) -> Batch:
    latents = torch.stack([_latents(sample, encodings) for sample in group])
    shape = tuple(latents.shape[1:])
    sizes = torch.tensor([sample.encoding.size for sample in group])
    u = torch.tensor([sample.u for sample in group], dtype=torch.float64)
    u = training_u(u, settings.timesteps, family, noise_scheduler, shape[1], shape[2])
    timesteps = family.timesteps_at(noise_scheduler, u)
    texts = [encodings.tensors(sample.text) for sample in group]
    masks = [_mask(sample, encodings, settings, shape) for sample in group]
    held = torch.stack([_held(sample, mask, settings) for sample, mask in zip(group, masks, strict=True)])
    loss_weights = torch.tensor([sample.loss_weight for sample in group])
    loss_weights = loss_weights * family.loss_weights(noise_scheduler, timesteps, settings.min_snr_gamma)
    return Batch(
        latents=latents,
        noise=torch.stack([_noise(sample, step, settings, shape) for sample in group]),
        timesteps=timesteps,
        text={name: torch.stack([text[name] for text in texts]) for name in texts[0]},
        sizes=sizes,
        weights=torch.stack([pixel_weights(mask, settings.background_weight) for mask in masks]),
        held=held,
        held_rows=held.flatten(1).any(dim=1).nonzero()[:, 0],
        loss_weights=loss_weights,
        is_prior=torch.tensor([sample.is_prior for sample in group]),
    )


def _latents(sample: Sample, encodings: Encodings) -> torch.Tensor:
    return encodings.tensors(sample.encoding.mirrored if sample.mirrored else sample.encoding.latents)["latents"]


def _noise(sample: Sample, step: int, settings: TrainingSettings, shape: tuple[int, ...]) -> torch.Tensor:
    """The noise (channels, height, width) of a sample, with an offset drawn per channel (crosslabs.org, 2023)."""
    noise = normal_at(shape, settings.seed, step, sample.key, "noise")
    if settings.noise_offset:
        noise += settings.noise_offset * normal_at((shape[0], 1, 1), settings.seed, step, sample.key, "noise offset")
    return noise


def _mask(sample: Sample, encodings: Encodings, settings: TrainingSettings, shape: tuple[int, ...]) -> torch.Tensor:
    """The mask (height, width) of a sample; all 1 where every cell counts the same."""
    mask = encodings.mask_of(sample.encoding) if settings.masked_loss and not sample.is_prior else None
    if mask is None:
        return torch.ones(shape[1:])
    return mask.flip(-1) if sample.mirrored else mask


def _held(sample: Sample, mask: torch.Tensor, settings: TrainingSettings) -> torch.Tensor:
    if sample.is_prior:
        return torch.ones_like(mask)
    return 1 - mask if settings.background_prior else torch.zeros_like(mask)
