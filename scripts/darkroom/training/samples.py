"""What a step is shown: its samples, drawn at their addresses, and the batches they are stacked into."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import torch

from darkroom.config.training import PriorSettings, TrainingSettings, share_of_prior
from darkroom.training.batch_order import BatchOrder, prior_samples
from darkroom.training.encodings import Encoding, Encodings, Tensors
from darkroom.training.keyed_random import normal_at, uniform_at
from darkroom.training.masked_loss import pixel_weights
from darkroom.training.timesteps import as_the_family_trains, min_snr_weights, stratified_share


@dataclass(frozen=True)
class Sample:
    """One encoding at one step: which latents, which text, which noise (by its place) and its share of the loss.

    `at`, in [0, 1), says where in the distribution of timesteps it lies. A prior sample is one on which the adapter
    shall change nothing.
    """

    encoding: Encoding
    place: str
    mirrored: bool
    text: str
    share: float
    is_prior: bool
    at: float


@dataclass(frozen=True)
class Batch:
    """Samples of one size, stacked: latents, noise, noisy latents' timesteps, texts, sizes in pixels, cell weights.

    `held` (count, height, width) says how far each cell's target is what the base model predicts: 1 in prior samples.
    `held_rows` are the places of the samples in which it does so anywhere.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: Tensors
    sizes: torch.Tensor
    weights: torch.Tensor
    held: torch.Tensor
    held_rows: torch.Tensor
    shares: torch.Tensor
    is_prior: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
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
        sizes = {name: (row.height, row.width) for name, row in rows.items()}
        return BatchOrder(sizes, batch, self._settings.seed, purpose)

    def samples(self, step: int) -> list[Sample]:
        """The samples of a step (from 1); their shares of the loss are such that each part is a mean."""
        batch = self._settings.batch
        names = self._frame_order.frames_of(step)
        samples = [self._frame_sample(step, place, name) for place, name in enumerate(names)]
        share = self._prior_weight / (batch * self._prior_share) if self._prior_share else 0.0
        for place, number in enumerate(prior_samples(step, batch, self._prior_share)):
            samples.append(self._prior_sample(place, number, share, names))
        return samples

    def _prior_sample(self, place: int, number: int, share: float, names: list[str]) -> Sample:
        """The prior sample of a running number (from 0): pictures and untriggered frames by turns, in their shares.

        `names` are the frames of its step.
        """
        at = stratified_share(number, 1, self._settings.seed, "prior")
        frames = int((number + 1) * self._untriggered)
        if frames > int(number * self._untriggered):
            own = self._settings.batch * self._prior_share * self._untriggered >= 1
            name = names[(frames - 1) % len(names)] if own else self._untriggered_order.frames_of(frames)[0]
            row = self._frames[name]
            return Sample(row, f"prior {place}", False, row.untriggered, share, is_prior=True, at=at)
        row = self._priors[self._prior_order.frames_of(number + 1 - frames)[0]]
        return Sample(row, f"prior {place}", False, row.text, share, is_prior=True, at=at)

    def _frame_sample(self, step: int, place: int, name: str) -> Sample:
        row, settings = self._frames[name], self._settings
        dropped = uniform_at(settings.seed, step, place, "caption dropout") < settings.caption_dropout
        mirrored = settings.flip and uniform_at(settings.seed, step, place, "mirror") < 0.5
        text = self._encodings.empty.text if dropped else row.text
        at = stratified_share((step - 1) * settings.batch + place, settings.batch, settings.seed, "frame")
        return Sample(row, f"frame {place}", mirrored, text, 1 / settings.batch, is_prior=False, at=at)


def batches(
    samples: list[Sample],
    step: int,
    encodings: Encodings,
    settings: TrainingSettings,
    family: ModuleType,
    schedule: Any,
) -> Iterator[Batch]:
    """The samples of a step, stacked by size, at most `micro_batch` of them at once; on the CPU."""
    by_size: dict[tuple[int, int], list[Sample]] = {}
    for sample in samples:
        by_size.setdefault((sample.encoding.height, sample.encoding.width), []).append(sample)
    for group in by_size.values():
        most = settings.micro_batch or len(group)
        for start in range(0, len(group), most):
            yield _stacked(group[start : start + most], step, encodings, settings, family, schedule)


def _stacked(
    group: list[Sample], step: int, encodings: Encodings, settings: TrainingSettings, family: ModuleType, schedule: Any
) -> Batch:
    latents = torch.stack([_latents(sample, encodings) for sample in group])
    shape = tuple(latents.shape[1:])
    sizes = torch.tensor([[sample.encoding.height, sample.encoding.width] for sample in group])
    at = torch.tensor([sample.at for sample in group], dtype=torch.float64)
    at = as_the_family_trains(at, settings.timesteps, family, schedule, shape[1], shape[2])
    timesteps = family.timesteps_at(schedule, at)
    texts = [encodings.tensors(sample.text) for sample in group]
    masks = [_mask(sample, encodings, settings, shape) for sample in group]
    held = torch.stack([_held(sample, mask, settings) for sample, mask in zip(group, masks, strict=True)])
    shares = torch.tensor([sample.share for sample in group])
    if settings.min_snr_gamma is not None:
        shares = shares * min_snr_weights(family, schedule, timesteps, settings.min_snr_gamma)
    return Batch(
        latents=latents,
        noise=torch.stack([_noise(sample, step, settings, shape) for sample in group]),
        timesteps=timesteps,
        text={name: torch.stack([text[name] for text in texts]) for name in texts[0]},
        sizes=sizes,
        weights=torch.stack([pixel_weights(mask, settings.background_weight) for mask in masks]),
        held=held,
        held_rows=held.flatten(1).any(dim=1).nonzero()[:, 0],
        shares=shares,
        is_prior=torch.tensor([sample.is_prior for sample in group]),
    )


def _latents(sample: Sample, encodings: Encodings) -> torch.Tensor:
    return encodings.tensors(sample.encoding.mirrored if sample.mirrored else sample.encoding.latents)["latents"]


def _noise(sample: Sample, step: int, settings: TrainingSettings, shape: tuple[int, ...]) -> torch.Tensor:
    """The noise (channels, height, width) of a sample, with an offset drawn per channel (crosslabs.org, 2023)."""
    noise = normal_at(shape, settings.seed, step, sample.place, "noise")
    if settings.noise_offset:
        noise += settings.noise_offset * normal_at((shape[0], 1, 1), settings.seed, step, sample.place, "noise offset")
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
