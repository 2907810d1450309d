"""What a training says before it starts, and what it refuses: frames, captions, masks as they will be used."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from tiny_dataset import NOISE_SCHEDULER, SETTINGS

from darkroom.config.training import PriorSettings
from darkroom.errors import UserError
from darkroom.families import sdxl
from darkroom.storage.files import sha256_bytes
from darkroom.training.encodings import Encoding, Encodings
from darkroom.training.masked_loss import masked_loss
from darkroom.training.preflight import check_training
from darkroom.training.samples import SampleOrder, batches
from darkroom.training.validation_loss import mask_weights


def test_preflight_counts_and_refuses(tiny_encodings: Encodings) -> None:
    line = check_training(tiny_encodings, SETTINGS, PriorSettings(weight=1.0))
    assert line.startswith("frames 4/4, captions 4/4, masks 4/4, prior 3, buckets 2, held out 2")
    rows = tuple(replace(row, mirrored="") for row in tiny_encodings.rows)
    with pytest.raises(UserError, match="mirrored"):
        check_training(replace(tiny_encodings, rows=rows), SETTINGS, PriorSettings())
    rows = tuple(row for row in tiny_encodings.rows if row.split != "train")
    with pytest.raises(UserError, match="no frame to train on"):
        check_training(replace(tiny_encodings, rows=rows), SETTINGS, PriorSettings())
    rows = tuple(row for row in tiny_encodings.rows if row.kind != "prior")
    with pytest.raises(UserError, match="no prior pictures"):
        check_training(replace(tiny_encodings, rows=rows), SETTINGS, PriorSettings(weight=1.0))
    with pytest.raises(UserError, match="batch: 5 frames per step, but the dataset has 4 to train on; set it to 4"):
        check_training(tiny_encodings, SETTINGS.model_copy(update={"batch": 5}), PriorSettings())
    rows = tuple(replace(row, text=tiny_encodings.empty.text) for row in tiny_encodings.rows)
    with pytest.raises(UserError, match="every caption of the dataset is empty"):
        check_training(replace(tiny_encodings, rows=rows), SETTINGS, PriorSettings())


def test_an_empty_caption_is_counted_as_none(tiny_encodings: Encodings) -> None:
    first = tiny_encodings.of("frame", "train")[0]
    empty = replace(first, text=tiny_encodings.empty.text)
    encodings = replace(tiny_encodings, rows=tuple(empty if row is first else row for row in tiny_encodings.rows))
    assert check_training(encodings, SETTINGS, PriorSettings()).startswith("frames 4/4, captions 3/4, masks 4/4, ")


def test_a_frame_without_latents_is_named(tiny_encodings: Encodings, tmp_path: Path) -> None:
    """They are missing, or a VAE whose numbers overflow has made them."""
    first = tiny_encodings.of("frame", "train")[0]
    spoilt = save({"latents": torch.full_like(tiny_encodings.tensors(first.latents)["latents"], torch.nan)})
    folder = shutil.copytree(tiny_encodings.folder, tmp_path / "encodings")
    (folder / f"{sha256_bytes(spoilt)}.safetensors").write_bytes(spoilt)
    for latents in ("", sha256_bytes(spoilt)):
        rows = tuple(replace(row, latents=latents) if row is first else row for row in tiny_encodings.rows)
        with pytest.raises(UserError, match=f"frame {first.name}: it has no latents that are numbers"):
            check_training(Encodings(folder, rows), SETTINGS, PriorSettings())


def test_a_frame_without_a_mask_counts_everywhere_and_is_counted(tiny_encodings: Encodings) -> None:
    bare = tiny_encodings.of("frame", "train")[0].name
    rows = tuple(replace(row, mask="") if row.name == bare else row for row in tiny_encodings.rows)
    encodings = replace(tiny_encodings, rows=rows)
    assert ", masks 3/4, " in check_training(encodings, SETTINGS, PriorSettings())
    settings = SETTINGS.model_copy(update={"batch": 4, "micro_batch": 1})
    samples = SampleOrder(encodings, settings, PriorSettings()).samples(1)
    assert {sample.encoding.name for sample in samples} == {row.name for row in encodings.of("frame", "train")}
    for sample in samples:
        batch = next(batches([sample], 1, encodings, settings, sdxl, NOISE_SCHEDULER))
        assert torch.equal(batch.weights, torch.ones_like(batch.weights)) == (sample.encoding.name == bare)


def with_even_mask(encodings: Encodings, changed: Encoding, value: float, folder: Path) -> Encodings:
    """The encodings where one frame's mask has this value everywhere."""
    even = save({"mask": torch.full_like(encodings.tensors(changed.mask)["mask"], value)})
    shutil.copytree(encodings.folder, folder)
    (folder / f"{sha256_bytes(even)}.safetensors").write_bytes(even)
    rows = (replace(row, mask=sha256_bytes(even)) if row is changed else row for row in encodings.rows)
    return Encodings(folder, tuple(rows))


def test_an_empty_mask_is_told_and_counts_as_none(tiny_encodings: Encodings, tmp_path: Path) -> None:
    """Where the background weighs nothing, 0/0 would end the training of all other photos."""
    first = tiny_encodings.of("frame", "train")[0]
    encodings = with_even_mask(tiny_encodings, first, 0.0, tmp_path / "encodings")
    line = check_training(encodings, SETTINGS, PriorSettings())
    assert f", masks 3/4 (without a subject, so not used: 1, such as that of frame {first.name}), " in line
    latents = encodings.tensors(first.latents)["latents"]
    for background in (0.0, 0.1):
        changes = {"batch": 4, "background_weight": background, "background_prior": background > 0}
        settings = SETTINGS.model_copy(update=changes)
        samples = SampleOrder(encodings, settings, PriorSettings()).samples(1)
        own = [sample for sample in samples if sample.encoding.name == first.name]
        batch = next(batches(own, 1, encodings, settings, sdxl, NOISE_SCHEDULER))
        assert torch.equal(batch.weights, torch.ones_like(batch.weights)) and not batch.held.any()
        answer, wanted = torch.randn(batch.latents.shape), torch.randn(batch.latents.shape)
        plain_mean = (answer - wanted).square().mean(dim=(1, 2, 3))
        assert torch.allclose(masked_loss(answer, wanted, batch.weights), plain_mean)
        row = next(row for row in encodings.of("frame", "train") if row.name == first.name)
        assert torch.equal(mask_weights(row, encodings, latents, background), torch.ones(latents.shape[1:]))


def test_a_white_mask_weighs_nothing_and_is_counted_as_none(tiny_encodings: Encodings, tmp_path: Path) -> None:
    """The mask of a photo whose own is not trusted."""
    first = tiny_encodings.of("frame", "train")[0]
    encodings = with_even_mask(tiny_encodings, first, 1.0, tmp_path / "encodings")
    assert ", masks 3/4, " in check_training(encodings, SETTINGS, PriorSettings())
    samples = SampleOrder(encodings, SETTINGS.model_copy(update={"batch": 4}), PriorSettings()).samples(1)
    own = [sample for sample in samples if sample.encoding.name == first.name]
    batch = next(batches(own, 1, encodings, SETTINGS, sdxl, NOISE_SCHEDULER))
    assert torch.equal(batch.weights, torch.ones_like(batch.weights))
