"""The whole recipe on a tiny SDXL: it learns, it resumes exactly, it reloads, it pairs what belongs together."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from darkroom.errors import UserError
from darkroom.families import sdxl
from darkroom.settings import ComputeSettings
from darkroom.training import lora_recipe
from darkroom.training.adapter import load_adapter
from darkroom.training.encodings import Encodings
from darkroom.training.lora_recipe import Recipe, checkpoint_file, train_lora
from darkroom.training.preflight import check_training
from darkroom.training.resume_state import SavingClock
from darkroom.training.samples import SampleOrder, batches
from darkroom.training.settings import PriorSettings, TrainingSettings, ValidationSettings

SETTINGS = TrainingSettings(
    learning_rate=3e-3,
    rank=4,
    alpha=4,
    layers="attention",
    steps=10,
    batch=3,
    checkpoint_every=5,
    precision="fp32",
    gradient_checkpointing=False,
    flip=True,
    caption_dropout=0.2,
)


def recipe(**changes: Any) -> Recipe:
    return Recipe(
        SETTINGS.model_copy(update=changes),
        PriorSettings(weight=0.5),
        ValidationSettings(timesteps=3),
        ComputeSettings(device="cpu", training_threads=1),
    )


def train(model: Path, encodings: Encodings, job: Recipe, work: Path, pause: float = 1e9) -> lora_recipe.Progress:
    return train_lora(sdxl, model, encodings, job, work, SavingClock(pause))


def test_training_learns_and_logs(tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path) -> None:
    done = train(tiny_model, tiny_encodings, recipe(steps=30, checkpoint_every=20, warmup_steps=2), tmp_path)
    assert [row["step"] for row in done.log] == list(range(1, 31))
    assert [row["step"] for row in done.validation] == [0, 20, 30]
    assert done.validation[-1]["loss"] < 0.95 * done.validation[0]["loss"]
    assert done.validation[0]["split"] == "held_out" and done.validation[0]["frames"] == 2
    assert all(row["prior_loss"] is not None for row in done.validation)
    assert done.log[0]["lr"] == pytest.approx(1.5e-3)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step-000020.safetensors",
        "step-000030.safetensors",
    ]


@pytest.mark.parametrize("optimizer", ["adamw", "prodigy"])
def test_interrupted_training_ends_with_the_same_bytes(
    optimizer: str, tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = 1.0 if optimizer == "prodigy" else 3e-3
    job = recipe(optimizer=optimizer, learning_rate=rate, schedule="cosine", warmup_steps=2)
    whole = train(tiny_model, tiny_encodings, job, tmp_path / "whole")
    check = lora_recipe._check_finite
    for stop in (4, 8):

        def stopping(step: int, losses: Any, settings: Any, stop: int = stop) -> None:
            if step == stop:
                raise KeyboardInterrupt
            check(step, losses, settings)

        monkeypatch.setattr(lora_recipe, "_check_finite", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(tiny_model, tiny_encodings, job, tmp_path / "stopped", pause=0.0)
    monkeypatch.setattr(lora_recipe, "_check_finite", check)
    resumed = train(tiny_model, tiny_encodings, job, tmp_path / "stopped", pause=0.0)
    for step in (5, 10):
        ours, theirs = (checkpoint_file(tmp_path / part / "checkpoints", step) for part in ("whole", "stopped"))
        assert ours.read_bytes() == theirs.read_bytes()
    assert resumed.validation == whole.validation
    kept = [{name: value for name, value in row.items() if name != "seconds"} for row in resumed.log]
    assert kept == [{name: value for name, value in row.items() if name != "seconds"} for row in whole.log]


def test_checkpoint_loads_in_its_pipeline_and_changes_the_picture(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    train(tiny_model, tiny_encodings, recipe(layers="all", rank=4, alpha=2), tmp_path)
    path = checkpoint_file(tmp_path / "checkpoints", 10)
    pipeline = sdxl.load_pipeline(tiny_model, torch.device("cpu"))

    def draw() -> torch.Tensor:
        noise = torch.Generator().manual_seed(0)
        options = {"num_inference_steps": 2, "width": 32, "height": 32, "output_type": "pt"}
        return pipeline(prompt="toy 1", generator=noise, **options).images

    before = draw()
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name="lora")
    loaded = {name for name, _ in pipeline.unet.named_parameters() if ".lora." in name}
    assert len(loaded) == len(load_file(path))
    assert pipeline.unet.peft_config["lora"].lora_alpha == 2
    assert not torch.equal(before, draw())
    pipeline.set_adapters(["lora"], [0.0])
    assert torch.allclose(before, draw(), atol=1e-5)
    with safe_open(path, "pt") as file:
        assert list(file.metadata()) == ["lora_adapter_metadata"]
        assert json.loads(file.metadata()["lora_adapter_metadata"])["unet.r"] == 4
    denoiser = sdxl.load_denoiser(tiny_model, torch.float32)
    load_adapter(denoiser, "unet", path, "lora")


def test_a_step_receives_what_belongs_together(tiny_encodings: Encodings) -> None:
    """Each sample's latents, mirror, text and mask are its own row's, whatever its place in the batch."""
    settings = SETTINGS.model_copy(update={"batch": 4, "masked_loss": True})
    order = SampleOrder(tiny_encodings, settings, PriorSettings(weight=1.0))
    schedule_of_nothing = type("Schedule", (), {"config": type("C", (), {"num_train_timesteps": 1000})})()
    for step in range(1, 6):
        samples = order.samples(step)
        seen = []
        for batch in batches(samples, step, tiny_encodings, settings, sdxl, schedule_of_nothing, torch.device("cpu")):
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
                seen.append(sample.place)
        assert sorted(seen) == sorted(sample.place for sample in samples)
        assert sum(sample.share for sample in samples if not sample.is_prior) == pytest.approx(1.0)
        assert {sample.encoding.kind for sample in samples if sample.is_prior} == {"frame", "prior"}


def test_the_prior_holds_the_adapter_to_the_base_model(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    """Before the first step adapter and base predict the same, so the prior loss is 0, then it is not."""
    settings = replace(recipe(steps=3, learning_rate=0.01), prior=PriorSettings(weight=1.0))
    log = train(tiny_model, tiny_encodings, settings, tmp_path).log
    losses = [row["prior_loss"] for row in log if row["prior_loss"] is not None]
    assert losses[0] < 1e-9
    assert losses[-1] > 1e-6


def test_the_prior_keeps_captions_without_the_trigger(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    def fall(weight: float) -> float:
        settings = replace(recipe(steps=20, learning_rate=0.01), prior=PriorSettings(weight=weight, untriggered=1.0))
        rows = train(tiny_model, tiny_encodings, settings, tmp_path / str(weight)).validation
        return 1 - float(rows[-1]["untriggered_loss"]) / float(rows[0]["untriggered_loss"])

    assert fall(5.0) < fall(0.0)


def test_a_loss_that_is_no_number_stops_with_one_line(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="not a number; lower training"):
        train(tiny_model, tiny_encodings, recipe(learning_rate=1e30, max_grad_norm=1e30), tmp_path)


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
