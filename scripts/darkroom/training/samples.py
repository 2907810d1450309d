"""What a step is shown: its samples, drawn at their addresses, and the batches they are stacked into."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from darkroom.training.batch_order import BatchOrder, prior_samples
from darkroom.training.encodings import Encoding, Encodings, Tensors
from darkroom.training.masked_loss import pixel_weights
from darkroom.training.random_address import normal_at, uniform_at
from darkroom.training.settings import PriorSettings, TrainingSettings


@dataclass(frozen=True)
class Sample:
    """One encoding at one step: which latents, which text, which noise (by its place) and its share of the loss.

    A prior sample is one on which the adapter shall change nothing.
    """

    encoding: Encoding
    place: str
    mirrored: bool
    text: str
    share: float
    is_prior: bool


@dataclass(frozen=True)
class Batch:
    """Samples of one size, stacked: latents, noise, noisy latents' timesteps, texts, sizes in pixels, cell weights."""

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: Tensors
    sizes: torch.Tensor
    weights: torch.Tensor
    shares: torch.Tensor
    is_prior: torch.Tensor


class SampleOrder:
    """The samples of every step of a run: frames by `BatchOrder` and, where the prior is on, prior samples.

    Prior samples are prior pictures, and the subject's own frames under their captions without the trigger.
    """

    def __init__(self, encodings: Encodings, settings: TrainingSettings, prior: PriorSettings) -> None:
        self._encodings, self._settings = encodings, settings
        self._frames = {row.name: row for row in encodings.of("frame", "train")}
        self._priors = {row.name: row for row in encodings.of("prior", "train")}
        self._frame_order = self._order(self._frames, settings.batch, "frame")
        self._prior_share = settings.prior_share if prior.weight > 0 and self._priors else 0.0
        self._prior_weight, self._untriggered = prior.weight, prior.untriggered
        self._prior_order = self._order(self._priors, 1, "prior")
        self._untriggered_order = self._order(self._frames, 1, "untriggered")

    def _order(self, rows: dict[str, Encoding], batch: int, purpose: str) -> BatchOrder:
        sizes = {name: (row.height, row.width) for name, row in rows.items()}
        return BatchOrder(sizes, batch, self._settings.seed, purpose)

    def samples(self, step: int) -> list[Sample]:
        """The samples of a step (from 1); their shares of the loss are such that each part is a mean."""
        batch = self._settings.batch
        samples = [
            self._frame_sample(step, place, name) for place, name in enumerate(self._frame_order.frames_of(step))
        ]
        share = self._prior_weight / (batch * self._prior_share) if self._prior_share else 0.0
        for place, number in enumerate(prior_samples(step, batch, self._prior_share)):
            samples.append(self._prior_sample(place, number, share))
        return samples

    def _prior_sample(self, place: int, number: int, share: float) -> Sample:
        """The prior sample of a running number (from 0): pictures and untriggered frames by turns, in their shares."""
        frames = int((number + 1) * self._untriggered)
        if frames > int(number * self._untriggered):
            row = self._frames[self._untriggered_order.frames_of(frames)[0]]
            return Sample(row, f"prior {place}", False, row.untriggered, share, is_prior=True)
        row = self._priors[self._prior_order.frames_of(number + 1 - frames)[0]]
        return Sample(row, f"prior {place}", False, row.text, share, is_prior=True)

    def _frame_sample(self, step: int, place: int, name: str) -> Sample:
        row, settings = self._frames[name], self._settings
        dropped = uniform_at(settings.seed, step, place, "caption dropout") < settings.caption_dropout
        mirrored = settings.flip and uniform_at(settings.seed, step, place, "mirror") < 0.5
        text = self._encodings.empty.text if dropped else row.text
        return Sample(row, f"frame {place}", mirrored, text, 1 / settings.batch, is_prior=False)


def batches(
    samples: list[Sample],
    step: int,
    encodings: Encodings,
    settings: TrainingSettings,
    family: ModuleType,
    schedule: Any,
    device: torch.device,
) -> Iterator[Batch]:
    """The samples of a step, stacked by size."""
    by_size: dict[tuple[int, int], list[Sample]] = {}
    for sample in samples:
        by_size.setdefault((sample.encoding.height, sample.encoding.width), []).append(sample)
    for size, group in by_size.items():
        latents = torch.stack([_latents(sample, encodings) for sample in group])
        shape = tuple(latents.shape[1:])
        noise = [normal_at(shape, settings.seed, step, sample.place, "noise") for sample in group]
        shares = [uniform_at(settings.seed, step, sample.place, "timestep") for sample in group]
        texts = [encodings.tensors(sample.text) for sample in group]
        yield Batch(
            latents=latents.to(device),
            noise=torch.stack(noise).to(device),
            timesteps=family.timesteps_at(schedule, torch.tensor(shares, dtype=torch.float64)).to(device),
            text={name: torch.stack([text[name] for text in texts]).to(device) for name in texts[0]},
            sizes=torch.tensor([size] * len(group)).to(device),
            weights=torch.stack([_weights(sample, encodings, settings, shape) for sample in group]).to(device),
            shares=torch.tensor([sample.share for sample in group]).to(device),
            is_prior=torch.tensor([sample.is_prior for sample in group]).to(device),
        )


def _latents(sample: Sample, encodings: Encodings) -> torch.Tensor:
    return encodings.tensors(sample.encoding.mirrored if sample.mirrored else sample.encoding.latents)["latents"]


def _weights(sample: Sample, encodings: Encodings, settings: TrainingSettings, shape: tuple[int, ...]) -> torch.Tensor:
    if not settings.masked_loss or not sample.encoding.mask or sample.is_prior:
        return torch.ones(shape[1:])
    mask = encodings.tensors(sample.encoding.mask)["mask"]
    return pixel_weights(mask.flip(-1) if sample.mirrored else mask, settings.background_weight)
