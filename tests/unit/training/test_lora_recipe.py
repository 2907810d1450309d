"""The whole recipe on a tiny SDXL: it learns, it resumes exactly, and it reloads."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_dataset import recipe

from darkroom.config.training import PriorSettings, ValidationSettings
from darkroom.contracts.checkpoint_files import checkpoint_file
from darkroom.errors import UserError, user_error
from darkroom.families import sdxl
from darkroom.training import adapter, lora_recipe
from darkroom.training.adapter import load_adapter
from darkroom.training.encodings import Encodings
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.resume_state import SavingClock
from darkroom.training.validation_loss import ValidationContext, fixed_noise_loss

# bitsandbytes keeps 8 bits of weights of 4096 numbers and more only: 16 x 256.
RESUMED: dict[str, dict[str, Any]] = {
    "adamw": {"optimizer": "adamw", "lr_schedule": "cosine", "ema_decay": 0.9},
    "adamw8bit": {"optimizer": "adamw8bit", "lr_schedule": "cosine", "ema_decay": 0.9, "rank": 256},
    "prodigy": {"optimizer": "prodigy", "learning_rate": 1.0, "d_coef": 2.0, "ema_decay": 0.9},
    "schedulefree": {"optimizer": "schedulefree"},
    "adafactor": {"optimizer": "adafactor", "background_prior": True, "noise_offset": 0.05, "min_snr_gamma": 5.0},
}


def train(model: Path, encodings: Encodings, job: Recipe, work: Path, pause: float = 1e9) -> lora_recipe.TrainingState:
    return train_lora(sdxl, model, encodings, job, work, SavingClock(pause))


def test_training_learns_and_logs(tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path) -> None:
    done = train(tiny_model, tiny_encodings, recipe(steps=40, checkpoint_every=20, warmup_steps=2), tmp_path)
    assert [row.step for row in done.log] == list(range(1, 41))
    assert [row.step for row in done.validation] == [0, 20, 40]
    assert done.validation[-1].loss < 0.95 * done.validation[0].loss
    assert done.validation[0].split == "held_out" and done.validation[0].frames == 2
    assert all(row.prior_loss is not None for row in done.validation)
    assert done.log[0].lr == pytest.approx(1.5e-3)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step-000020.safetensors",
        "step-000040.safetensors",
    ]


@pytest.mark.parametrize("optimizer", ["adamw", "adamw8bit", "prodigy", "schedulefree", "adafactor"])
def test_interrupted_training_ends_with_the_same_bytes(
    optimizer: str, tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = recipe(**RESUMED[optimizer], warmup_steps=2, micro_batch=1)
    whole = train(tiny_model, tiny_encodings, job, tmp_path / "whole")
    check = lora_recipe._check_finite
    for stop in (4, 8):

        def stopping(step: int, losses: Any, settings: Any, *what: str, stop: int = stop) -> None:
            if step == stop:
                raise KeyboardInterrupt
            check(step, losses, settings, *what)

        monkeypatch.setattr(lora_recipe, "_check_finite", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(tiny_model, tiny_encodings, job, tmp_path / "stopped", pause=0.0)
    monkeypatch.setattr(lora_recipe, "_check_finite", check)
    resumed = train(tiny_model, tiny_encodings, job, tmp_path / "stopped", pause=0.0)
    for step in (5, 10):
        ours, theirs = (checkpoint_file(tmp_path / part / "checkpoints", step) for part in ("whole", "stopped"))
        assert ours.read_bytes() == theirs.read_bytes()
    assert resumed.validation == whole.validation
    kept, expected = ([replace(row, seconds=0.0) for row in done.log] for done in (resumed, whole))
    assert kept == expected


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


@pytest.mark.parametrize("optimizer", ["adamw", "schedulefree"])
def test_micro_batches_change_memory_and_nothing_else(
    optimizer: str, tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    logs = {}
    for size in (None, 1, 2):
        job = recipe(optimizer=optimizer, batch=4, micro_batch=size, steps=5)
        logs[size] = train(tiny_model, tiny_encodings, job, tmp_path / str(size)).log
    for column in ("loss", "prior_loss", "grad_norm"):
        whole = [getattr(row, column) for row in logs[None] if getattr(row, column) is not None]
        for size in (1, 2):
            assert [getattr(row, column) for row in logs[size] if getattr(row, column) is not None] == pytest.approx(
                whole, rel=1e-4, abs=1e-7
            )


def test_checkpoints_hold_the_moving_average(tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path) -> None:
    job = recipe(ema_decay=0.5, steps=3, checkpoint_every=1)
    train(tiny_model, tiny_encodings, job, tmp_path / "average")
    train(tiny_model, tiny_encodings, recipe(steps=3, checkpoint_every=1), tmp_path / "plain")
    averages, plain = (
        [load_file(checkpoint_file(tmp_path / part / "checkpoints", step)) for step in (1, 2, 3)]
        for part in ("average", "plain")
    )
    for step in (2, 3):
        share = min(0.5, (1 + step) / (10 + step))
        for name, value in averages[step - 1].items():
            expected = share * averages[step - 2][name] + (1 - share) * plain[step - 1][name]
            assert torch.allclose(value, expected, atol=1e-6)


def test_the_prior_holds_the_adapter_to_the_base_model(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    """Before the first step adapter and base predict the same, so the prior loss is 0, then it is not."""
    settings = replace(recipe(steps=3, learning_rate=0.01), prior=PriorSettings(weight=1.0))
    log = train(tiny_model, tiny_encodings, settings, tmp_path).log
    losses = [row.prior_loss for row in log if row.prior_loss is not None]
    assert losses[0] < 1e-9
    assert losses[-1] > 1e-6


def test_the_prior_keeps_captions_without_the_trigger(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    def fall(weight: float) -> float:
        settings = replace(recipe(steps=20, learning_rate=0.01), prior=PriorSettings(weight=weight, untriggered=1.0))
        rows = train(tiny_model, tiny_encodings, settings, tmp_path / str(weight)).validation
        return 1 - rows[-1].untriggered_loss / rows[0].untriggered_loss

    assert fall(5.0) < fall(0.0)


def test_a_loss_that_is_no_number_stops_with_one_line(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="not a number; lower training"):
        train(tiny_model, tiny_encodings, recipe(learning_rate=1e30, max_grad_norm=1e30), tmp_path)


def test_a_gradient_that_is_no_number_is_never_saved(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last step, too, after which no loss would tell."""
    settings = recipe(steps=2, checkpoint_every=2)
    sum_gradients = lora_recipe.sum_gradients
    steps = []

    def spoil(accelerator: Any, weights: list[torch.Tensor]) -> None:
        sum_gradients(accelerator, weights)
        steps.append(None)
        if len(steps) == 2:
            weights[0].grad.fill_(torch.nan)  # type: ignore[union-attr]

    monkeypatch.setattr(lora_recipe, "sum_gradients", spoil)
    with pytest.raises(UserError, match="the gradient of step 2 is not a number; lower training"):
        train(tiny_model, tiny_encodings, settings, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_prodigy_logs_the_rate_of_each_step(tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path) -> None:
    """The first is taken with the estimate that it starts from, not with the one that it makes."""
    settings = recipe(optimizer="prodigy", learning_rate=1.0, steps=3, checkpoint_every=3)
    rates = [row.lr for row in train(tiny_model, tiny_encodings, settings, tmp_path).log]
    assert rates[0] == pytest.approx(1e-6)
    assert rates == sorted(rates)


def test_validation_draws_from_nothing_else_and_disturbs_nothing(tiny_model: Path, tiny_encodings: Encodings) -> None:
    denoiser = sdxl.load_denoiser(tiny_model, torch.float32)
    noise_scheduler, told = sdxl.load_noise_scheduler(tiny_model), []
    family = SimpleNamespace(**vars(sdxl))
    family.add_noise = lambda s, latents, noise, at: told.append((noise, at)) or sdxl.add_noise(s, latents, noise, at)
    context = ValidationContext(
        family, noise_scheduler, tiny_encodings, ValidationSettings(timesteps=4), torch.device("cpu")
    )
    frame = tiny_encodings.of("frame", "held_out")[0]
    losses = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        losses.append(fixed_noise_loss(denoiser, frame, context))
        assert torch.equal(before, torch.get_rng_state())
    assert losses[0] == losses[1]
    assert told[0][1].tolist() == told[1][1].tolist() == [125, 375, 625, 875]
    assert torch.equal(told[0][0], told[1][0])


def test_a_full_disk_leaves_the_earlier_checkpoint_and_the_training_goes_on(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = adapter.write_bytes

    def full(path: Path, data: bytes) -> None:
        if path.name == "step-000010.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr(adapter, "write_bytes", full)
    with pytest.raises(OSError) as caught:
        train(tiny_model, tiny_encodings, recipe(), tmp_path)
    said = str(user_error(caught.value))
    assert "step-000010.safetensors: the disk is full" in said and "\n" not in said
    first = checkpoint_file(tmp_path / "checkpoints", 5)
    assert list(first.parent.iterdir()) == [first] and load_file(first)
    monkeypatch.setattr(adapter, "write_bytes", write)
    assert train(tiny_model, tiny_encodings, recipe(), tmp_path).began_after == 5
