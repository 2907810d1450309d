"""One photo at several resolutions: each frame is trained at its own size; where it is judged a photo counts once."""

from pathlib import Path
from statistics import fmean, stdev
from types import ModuleType

import pytest
import torch
from PIL import Image
from tiny_dataset import save_dataset
from tiny_models import save_tiny_flux

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
from darkroom.contracts.frame_names import frame_name, view_of
from darkroom.families import flux, sdxl
from darkroom.storage.cache import Cache
from darkroom.storage.files import read_json, sha256_file
from darkroom.storage.tables import write_table
from darkroom.training.dataset_encoding import Dataset, check_dataset, encode_dataset
from darkroom.training.encodings import COLUMNS, Encodings, read_encodings
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.picture_encoding import Encoder
from darkroom.training.preflight import check_training
from darkroom.training.resume_state import SavingClock
from darkroom.training.samples import SampleOrder, batches
from darkroom.training.validation_loss import Judge, paired_loss

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


def encode(family: ModuleType, model: Path, work: Path) -> Encodings:
    """The frames of `save_dataset`, and a smaller one of each."""
    paths = save_dataset(work / "dataset")
    frames = []
    for frame in read_json(paths["manifest"])["frames"]:
        size, name = SMALLER[frame["width"], frame["height"]], frame_name(frame["frame"], 24)
        small = frame | {"frame": name, "width": size[0], "height": size[1]}
        for kind, folder in (("picture", paths["images"]), ("mask", paths["masks"])):
            Image.open(folder / f"{frame['frame']}.png").resize(size).save(folder / f"{name}.png")
            small[f"{kind}_sha256"] = sha256_file(folder / f"{name}.png")
        frames += [frame, small]
    dataset = Dataset(frames, paths["images"], paths["masks"], "mimi")
    check_dataset(dataset)
    encoder = Encoder(family, model, lambda: CPU, {}, Cache(work / "cache"))
    rows, computed = encode_dataset(encoder, dataset, [], None, False, work / "encodings")
    # Captions are shared: six, each with and without the trigger, and the empty one.
    assert computed["pictures"] == 12 and computed["texts"] == 13
    write_table(work / "encodings.csv", COLUMNS, rows)
    return read_encodings(work / "encodings.csv", work / "encodings")


@pytest.mark.parametrize("family", [sdxl, flux], ids=["sdxl", "flux"])
def test_each_frame_is_trained_at_its_own_size(family: ModuleType, tiny_model: Path, tmp_path: Path) -> None:
    """SDXL is told the frame's size, and FLUX's timesteps are shifted by it; mask and caption are the photo's."""
    model = tiny_model if family is sdxl else save_tiny_flux(tmp_path / "flux")
    encodings, schedule = encode(family, model, tmp_path), family.load_schedule(model)
    counts = check_training(encodings, SETTINGS, PriorSettings())
    assert counts.startswith("frames 8/8, captions 8/8, masks 8/8, prior 0, buckets 4, held out 4")
    order, seen = SampleOrder(encodings, SETTINGS, PriorSettings()), set()
    texts = {view_of(row.name): row.text for row in encodings.rows}
    for step in (1, 2):
        samples = {sample.place: sample for sample in order.samples(step)}
        for batch in batches(list(samples.values()), step, encodings, SETTINGS, family, schedule):
            height, width = batch.latents.shape[2:]
            assert (batch.sizes == torch.tensor([4 * height, 4 * width])).all()
            shift = family.shift_at(schedule, height, width)
            assert (shift is None) == (family is sdxl)
            own = [sample for sample in samples.values() if sample.encoding.width == 4 * width]
            own = [sample for sample in own if sample.encoding.height == 4 * height]
            at = torch.tensor([sample.at for sample in own], dtype=torch.float64)
            if shift is not None:
                at = torch.special.ndtri(at).sigmoid()
                at = shift * at / (1 + (shift - 1) * at)
            assert torch.equal(batch.timesteps, family.timesteps_at(schedule, at))
            assert batch.weights.shape[1:] == (height, width) and float(batch.weights.max()) == 1
        seen |= {sample.encoding.name for sample in samples.values()}
        assert all(sample.text == texts[view_of(sample.encoding.name)] for sample in samples.values())
    assert seen == {row.name for row in encodings.of("frame", "train")}


def test_validation_counts_photos(tiny_model: Path, tmp_path: Path) -> None:
    """All held-out frames are judged; loss and standard error are those of the photos' means."""
    encodings = encode(sdxl, tiny_model, tmp_path)
    assert {view_of(row.name) for row in encodings.of("frame", "train")}.isdisjoint(
        view_of(row.name) for row in encodings.of("frame", "held_out")
    )
    validation = ValidationSettings(timesteps=2)
    compute = ComputeSettings(device="cpu", training_threads=1)
    recipe = Recipe(SETTINGS, PriorSettings(), validation, compute)
    first = train_lora(sdxl, tiny_model, encodings, recipe, tmp_path / "states", SavingClock(1e9)).validation[0]
    denoiser = sdxl.load_denoiser(tiny_model, torch.float32)
    judge = Judge(sdxl, sdxl.load_schedule(tiny_model), encodings, validation, CPU)
    losses: dict[str, list[float]] = {}
    for row in encodings.of("frame", "held_out"):
        losses.setdefault(view_of(row.name), []).append(paired_loss(denoiser, row, judge))
    photos = [fmean(own) for own in losses.values()]
    assert first["frames"] == 4 and [len(own) for own in losses.values()] == [2, 2]
    assert first["loss"] == pytest.approx(fmean(photos), rel=1e-5)
    assert first["loss_se"] == pytest.approx(stdev(photos) / 2**0.5, rel=1e-4)
