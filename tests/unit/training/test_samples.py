"""What a step is shown: samples of their own rows, in batches of one size, and what is held to the base model."""

from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from tiny_dataset import NOISE_SCHEDULER, SETTINGS

from darkroom.config.training import PriorSettings
from darkroom.families import sdxl
from darkroom.training.encodings import Encodings
from darkroom.training.samples import SampleOrder, batches
from darkroom.training.step_targets import held_to_base


def test_a_step_receives_what_belongs_together(tiny_encodings: Encodings) -> None:
    """Each sample's latents, mirror, text and mask are its own row's, whatever its place in the batch."""
    settings = SETTINGS.model_copy(update={"batch": 4, "masked_loss": True})
    order = SampleOrder(tiny_encodings, settings, PriorSettings(weight=1.0))
    for step in range(1, 6):
        samples = order.samples(step)
        seen = []
        for batch in batches(samples, step, tiny_encodings, settings, sdxl, NOISE_SCHEDULER):
            group = [s for s in samples if [s.encoding.height, s.encoding.width] == batch.sizes[0].tolist()]
            for place, sample in enumerate(group):
                row = sample.encoding
                latents = tiny_encodings.tensors(row.mirrored if sample.mirrored else row.latents)["latents"]
                assert torch.equal(batch.latents[place], latents)
                text = tiny_encodings.tensors(sample.text)
                own = (
                    (row.untriggered,) if sample.is_prior and row.untriggered else (row.text, tiny_encodings.empty.text)
                )
                assert sample.text in own
                assert torch.equal(batch.text["embeddings"][place], text["embeddings"])
                if row.mask and not sample.is_prior:
                    mask = tiny_encodings.tensors(row.mask)["mask"]
                    mask = mask.flip(-1) if sample.mirrored else mask
                    assert torch.allclose(batch.weights[place], 0.1 + 0.9 * mask)
                else:
                    assert torch.equal(batch.weights[place], torch.ones_like(batch.weights[place]))
                seen.append(sample.key)
        assert sorted(seen) == sorted(sample.key for sample in samples)
        assert sum(sample.loss_weight for sample in samples if not sample.is_prior) == pytest.approx(1.0)
        assert {sample.encoding.kind for sample in samples if sample.is_prior} == {"frame", "prior"}
        frames = {sample.encoding.name for sample in samples if not sample.is_prior}
        assert {s.encoding.name for s in samples if s.is_prior and s.encoding.kind == "frame"} <= frames


def test_frames_without_their_trigger_are_shown_equally_often_where_not_every_step_has_one(
    tiny_encodings: Encodings,
) -> None:
    settings = SETTINGS.model_copy(update={"batch": 1})
    order = SampleOrder(tiny_encodings, settings, PriorSettings(weight=1.0, untriggered=0.5))
    samples = [sample for step in range(1, 401) for sample in order.samples(step)]
    shown = Counter(s.encoding.name for s in samples if s.is_prior and s.encoding.kind == "frame")
    assert set(shown) == {s.encoding.name for s in samples if not s.is_prior}
    assert max(shown.values()) - min(shown.values()) <= 1


def test_micro_batches_hold_no_more_samples_than_they_say(tiny_encodings: Encodings) -> None:
    settings = SETTINGS.model_copy(update={"batch": 4, "micro_batch": 2})
    samples = SampleOrder(tiny_encodings, settings, PriorSettings(weight=1.0)).samples(1)
    made = list(batches(samples, 1, tiny_encodings, settings, sdxl, NOISE_SCHEDULER))
    assert max(len(batch.latents) for batch in made) == 2
    assert sum(len(batch.latents) for batch in made) == len(samples)


def test_the_background_prior_holds_what_is_outside_the_mask_only(tiny_encodings: Encodings) -> None:
    settings = SETTINGS.model_copy(update={"batch": 4, "background_prior": True, "flip": False})
    samples = SampleOrder(tiny_encodings, settings, PriorSettings()).samples(1)
    for batch in batches(samples, 1, tiny_encodings, settings, sdxl, NOISE_SCHEDULER):
        assert torch.allclose(batch.weights, 0.1 + 0.9 * (1 - batch.held))
        noisy = torch.randn_like(batch.latents)
        base = SimpleNamespace(predict=lambda denoiser, noisy, *others: 2 * noisy)
        wanted = held_to_base(batch.noise, batch, noisy, None, base)
        outside = batch.held[:, None].expand_as(wanted) == 1
        inside = batch.held[:, None].expand_as(wanted) == 0
        assert outside.any() and inside.any()
        assert torch.equal(wanted[outside], (2 * noisy)[outside])
        assert torch.equal(wanted[inside], batch.noise[inside])


def test_a_noise_offset_moves_whole_channels(tiny_encodings: Encodings) -> None:
    made = []
    for offset in (0.0, 0.1):
        settings = SETTINGS.model_copy(update={"noise_offset": offset})
        samples = SampleOrder(tiny_encodings, settings, PriorSettings()).samples(1)
        made.append(next(batches(samples, 1, tiny_encodings, settings, sdxl, NOISE_SCHEDULER)).noise)
    moved = made[1] - made[0]
    assert float(moved.std(dim=(2, 3)).max()) < 1e-6
    assert 0.01 < float(moved.abs().mean()) < 0.3
