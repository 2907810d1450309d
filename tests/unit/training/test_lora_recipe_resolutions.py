"""One photo at several resolutions: each frame is trained at its own size; in validation a photo counts once."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest
import torch
from PIL import Image
from tiny_dataset import save_dataset
from tiny_models import save_tiny_flux

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
from darkroom.contracts.frame_names import frame_name, view_of
from darkroom.contracts.manifest import read_manifest
from darkroom.families import flux, sdxl
from darkroom.families.base import ModelFamily
from darkroom.storage.cache import Cache
from darkroom.storage.files import sha256_file
from darkroom.storage.tables import write_rows
from darkroom.training.dataset_encoding import Dataset, check_dataset, encode_dataset
from darkroom.training.encodings import Encoding, Encodings, read_encodings
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.picture_encoding import Encoder
from darkroom.training.preflight import check_training
from darkroom.training.resume_state import SavingClock
from darkroom.training.samples import SampleOrder, batches
from darkroom.training.validation_loss import ValidationContext, fixed_noise_loss

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(
    learning_rate=3e-3,
    rank=2,
    alpha=2,
    steps=4,
    batch=4,
    checkpoint_every=4,
    precision="fp32",
    gradient_checkpointing=False,
    caption_dropout=0,
)
SMALLER = {(48, 24): (32, 16), (32, 32): (24, 24)}


def encode(family: ModelFamily, model: Path, work: Path) -> Encodings:
    """The frames of `save_dataset`, and a smaller one of each."""
    paths = save_dataset(work / "dataset")
    frames = []
    for frame in read_manifest(paths["manifest"]):
        size, name = SMALLER[frame.width, frame.height], frame_name(frame.frame, 24)
        hashes = {}
        for kind, folder in (("picture", paths["images"]), ("mask", paths["masks"])):
            Image.open(folder / f"{frame.frame}.png").resize(size).save(folder / f"{name}.png")
            hashes[f"{kind}_sha256"] = sha256_file(folder / f"{name}.png")
        frames += [frame, replace(frame, frame=name, width=size[0], height=size[1], **hashes)]
    dataset = Dataset(frames, paths["images"], paths["masks"])
    check_dataset(dataset)
    encoder = Encoder(family, model, lambda: CPU, {}, Cache(work / "cache"))
    rows, computed = encode_dataset(encoder, dataset, [], None, False, work / "encodings")
    # Captions are shared: six, each with and without the trigger, and the empty one.
    assert computed["pictures"] == 12 and computed["texts"] == 13
    write_rows(work / "encodings.csv", Encoding, rows)
    return read_encodings(work / "encodings.csv", work / "encodings")


@pytest.mark.parametrize("family", [sdxl, flux], ids=["sdxl", "flux"])
def test_each_frame_is_trained_at_its_own_size(family: ModelFamily, tiny_model: Path, tmp_path: Path) -> None:
    """SDXL is conditioned on the frame's size, FLUX's timesteps are shifted by it; mask and caption are the photo's."""
    model = tiny_model if family is sdxl else save_tiny_flux(tmp_path / "flux")
    encodings, noise_scheduler = encode(family, model, tmp_path), family.load_noise_scheduler(model)
    counts = check_training(encodings, SETTINGS, PriorSettings())
    assert counts.startswith("frames 8/8, captions 8/8, masks 8/8, prior 0, buckets 4, held out 4")
    order, seen = SampleOrder(encodings, SETTINGS, PriorSettings()), set()
    texts = {view_of(row.name): row.text for row in encodings.rows}
    for step in (1, 2):
        samples = {sample.key: sample for sample in order.samples(step)}
        for batch in batches(list(samples.values()), step, encodings, SETTINGS, family, noise_scheduler):
            height, width = batch.latents.shape[2:]
            assert (batch.sizes == torch.tensor([4 * height, 4 * width])).all()
            own = [sample for sample in samples.values() if sample.encoding.width == 4 * width]
            own = [sample for sample in own if sample.encoding.height == 4 * height]
            u = torch.tensor([sample.u for sample in own], dtype=torch.float64)
            if family is flux:
                u = torch.special.ndtri(u).sigmoid()
                factor = flux.shift_factor(noise_scheduler, height, width)
                u = factor * u / (1 + (factor - 1) * u)
            assert torch.equal(batch.timesteps, family.timesteps_at(noise_scheduler, u))
            assert batch.weights.shape[1:] == (height, width) and float(batch.weights.max()) == 1
        seen |= {sample.encoding.name for sample in samples.values()}
        assert all(sample.text == texts[view_of(sample.encoding.name)] for sample in samples.values())
    assert seen == {row.name for row in encodings.of("frame", "train")}


def test_validation_counts_photos(tiny_model: Path, tmp_path: Path) -> None:
    """All held-out frames are validated on; loss and standard error are those of the photos' means."""
    encodings = encode(sdxl, tiny_model, tmp_path)
    assert {view_of(row.name) for row in encodings.of("frame", "train")}.isdisjoint(
        view_of(row.name) for row in encodings.of("frame", "held_out")
    )
    validation = ValidationSettings(timesteps=2)
    compute = ComputeSettings(device="cpu", training_threads=1)
    recipe = Recipe(SETTINGS, PriorSettings(), validation, compute)
    first = train_lora(sdxl, tiny_model, encodings, recipe, tmp_path / "states", SavingClock(1e9)).validation[0]
    denoiser = sdxl.load_denoiser(tiny_model, torch.float32)
    context = ValidationContext(sdxl, sdxl.load_noise_scheduler(tiny_model), encodings, validation, CPU)
    losses: dict[str, list[float]] = {}
    for row in encodings.of("frame", "held_out"):
        losses.setdefault(view_of(row.name), []).append(fixed_noise_loss(denoiser, row, context))
    photos = [fmean(own) for own in losses.values()]
    assert first.frames == 4 and [len(own) for own in losses.values()] == [2, 2]
    assert first.loss == pytest.approx(fmean(photos), rel=1e-5)
    assert first.loss_se == pytest.approx(stdev(photos) / 2**0.5, rel=1e-4)
