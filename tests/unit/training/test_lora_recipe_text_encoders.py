"""Adapters on the text encoders: captions encoded in the loop, as once, and everything after the loop with them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from tiny_dataset import SETTINGS as FROZEN
from tiny_dataset import encode_tiny_dataset
from tiny_models import save_tiny_flux, save_tiny_sd15

from darkroom.config.base import ComputeSettings
from darkroom.config.training import (
    PriorSettings,
    TextEncoderSettings,
    TrainingSettings,
    ValidationSettings,
    check_family,
)
from darkroom.contracts.checkpoint_files import BASE, Variant, checkpoint_file
from darkroom.errors import UserError
from darkroom.evaluation.loss_change import measure_loss_changes
from darkroom.families import flux, sd15, sdxl
from darkroom.families.base import family
from darkroom.publishing.lora_files import ADAPTER_METADATA, read_checkpoint, write_lora
from darkroom.publishing.verification import verify_lora
from darkroom.training import lora_recipe
from darkroom.training.encodings import Encodings
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.memory_estimate import memory_need
from darkroom.training.optimizers import make_optimizer, parameter_groups, set_learning_rate
from darkroom.training.preflight import check_training
from darkroom.training.resume_state import SavingClock, TrainingState
from darkroom.training.text_conditioning import TextConditioning, load_text_conditioning
from darkroom.training.validation_loss import ValidationContext

CPU = torch.device("cpu")
TEXT = TextEncoderSettings(rank=2, alpha=4, learning_rate=1e-3)
SETTINGS = FROZEN.model_copy(update={"text_encoder": TEXT})
FAMILIES = pytest.mark.parametrize("name", ["sd15", "sdxl"])
Prepared = Callable[[str], tuple[Path, Encodings]]


@pytest.fixture(scope="module")
def prepared(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A family's tiny model and its encodings with tokens."""
    made: dict[str, tuple[Path, Encodings]] = {}

    def model_and_encodings(name: str) -> tuple[Path, Encodings]:
        if name not in made:
            work = tmp_path_factory.mktemp(name)
            model = tiny_model if name == "sdxl" else save_tiny_sd15(work / "model")
            made[name] = model, encode_tiny_dataset(family(name), model, work, tokens=True)
        return made[name]

    return model_and_encodings


def recipe(weight: float = 0.5, **changes: Any) -> Recipe:
    compute = ComputeSettings(device="cpu", training_threads=1)
    training = SETTINGS.model_copy(update=changes)
    return Recipe(training, PriorSettings(weight=weight), ValidationSettings(timesteps=3), compute)


def train(name: str, prepared: Prepared, job: Recipe, work: Path, pause: float = 1e9) -> TrainingState:
    model, encodings = prepared(name)
    return train_lora(family(name), model, encodings, job, work, SavingClock(pause))


def text_tensors(path: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in load_file(path).items() if name.startswith("text_encoder")}


def test_frozen_encoders_are_not_loaded_and_tokens_change_no_bit(
    prepared: Prepared, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, encodings = prepared("sdxl")
    monkeypatch.setattr(sdxl, "load_text_encoders", None)
    for with_tokens, known in ((True, encodings), (False, tiny_encodings)):
        job = recipe(text_encoder=None, steps=3, checkpoint_every=3)
        train_lora(sdxl, model, known, job, tmp_path / str(with_tokens), SavingClock(1e9))
    files = [checkpoint_file(tmp_path / str(each) / "checkpoints", 3).read_bytes() for each in (True, False)]
    assert files[0] == files[1]
    rows = [(known, known.of("frame", "train")[0]) for known in (encodings, tiny_encodings)]
    ours, theirs = (known.tensors(row.text)["embeddings"] for known, row in rows)
    assert torch.equal(ours, theirs)


@FAMILIES
def test_fresh_adapters_hear_what_was_encoded_once(name: str, prepared: Prepared) -> None:
    """Stacked captions, the empty one among them: SDXL is conditioned on zeros for it."""
    model, encodings = prepared(name)
    conditioning = load_text_conditioning(family(name), model, SETTINGS, CPU)
    texts = [encodings.tensors(row.text) for row in (*encodings.of("frame", "train"), encodings.empty)]
    stacked = {part: torch.stack([text[part] for text in texts]) for part in texts[0]}
    conditions = conditioning(stacked)
    for part, tensor in conditions.items():
        torch.testing.assert_close(tensor, stacked[part], atol=1e-6, rtol=1e-5)
    assert torch.equal(conditions["embeddings"][-1], torch.zeros_like(conditions["embeddings"][-1])) == (name == "sdxl")
    assert conditions["embeddings"].requires_grad
    assert TextConditioning()(stacked) is stacked


def test_an_empty_caption_is_spoken_where_the_model_wants_no_zeros(prepared: Prepared) -> None:
    encoders = sdxl.load_text_encoders(prepared("sdxl")[0], CPU)
    speaking = replace(encoders, zeros_for_empty=False)
    assert not sdxl.encode_text(encoders, "")["embeddings"].any()
    assert sdxl.encode_text(speaking, "")["embeddings"].any()
    tokens = {part: tensor[None] for part, tensor in sdxl.tokenize(speaking, "").items()}
    torch.testing.assert_close(
        sdxl.encode_tokens(speaking, tokens)["pooled"][0], sdxl.encode_text(speaking, "")["pooled"]
    )


@FAMILIES
def test_it_learns_and_the_files_load_whole(name: str, prepared: Prepared, tmp_path: Path) -> None:
    """Both published forms use every module; without the text encoders' part the picture is another."""
    module, (model, _) = family(name), prepared(name)
    done = train(name, prepared, recipe(steps=30, checkpoint_every=30), tmp_path)
    assert done.validation[-1].loss < 0.97 * done.validation[0].loss
    file = checkpoint_file(tmp_path / "checkpoints", 30)
    checkpoint = read_checkpoint(file)
    parts = checkpoint.parts()
    assert set(parts) == {"unet", *module.TEXT_LAYERS}
    assert all(tensor.ne(0).any() for part in module.TEXT_LAYERS for tensor in parts[part].values())
    assert checkpoint.setting("text_encoder", "lora_alpha") == 4 and checkpoint.setting("unet", "r") == 4
    kohya: dict[str, torch.Tensor] = {}
    for part, tensors in parts.items():
        kohya |= module.comfyui_names(tensors, float(checkpoint.setting(part, "lora_alpha")))
    write_lora(tmp_path / "kohya.safetensors", kohya, {})
    prefix = module.KOHYA_PREFIXES["text_encoder"]
    assert f"{prefix}_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight" in kohya
    about = {key: value for key, value in checkpoint.adapter.items() if key.startswith("unet.")}
    write_lora(tmp_path / "unet.safetensors", parts["unet"], {ADAPTER_METADATA: json.dumps(about)})
    pipeline = module.load_pipeline(model, CPU)
    paths = (file, tmp_path / "kohya.safetensors", tmp_path / "unet.safetensors")
    found = [verify_lora(path, pipeline, module, "mimi toy 1", 1.0, 32) for path in paths[:2]]
    assert all(each.good for each in found)
    assert found[0].modules == found[1].modules == len(checkpoint.tensors) // 2
    assert found[0].change == pytest.approx(found[1].change, rel=0.05)
    pictures = [draw(pipeline, path) for path in paths]
    torch.testing.assert_close(pictures[0], pictures[1], atol=1e-4, rtol=0)
    assert not torch.equal(pictures[0], pictures[2])


def draw(pipeline: Any, file: Path) -> torch.Tensor:
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
    options = {"num_inference_steps": 2, "width": 32, "height": 32, "output_type": "pt"}
    picture: torch.Tensor = pipeline("mimi toy 1", generator=torch.Generator().manual_seed(0), **options).images
    pipeline.unload_lora_weights()
    return picture


def test_a_reloaded_checkpoint_has_the_loss_of_the_training(prepared: Prepared, tmp_path: Path) -> None:
    done = train("sdxl", prepared, recipe(), tmp_path)
    model, encodings = prepared("sdxl")
    conditioning = TextConditioning(sdxl, sdxl.load_text_encoders(model, CPU))
    context = ValidationContext(
        sdxl, sdxl.load_noise_scheduler(model), encodings, ValidationSettings(timesteps=3), CPU, conditioning
    )
    file = checkpoint_file(tmp_path / "checkpoints", 10)
    compared = [Variant(10, strength, file) for strength in (0.0, 1.0)]
    denoiser = sdxl.load_denoiser(model, torch.float32).eval()
    changes = measure_loss_changes(denoiser, sdxl, context, compared, torch.float32)
    assert changes[BASE].fall == 0 and changes[compared[0]].fall == pytest.approx(0, abs=1e-5)
    base, last = done.validation[0], done.validation[-1]
    assert changes[compared[1]].prior_rise == pytest.approx(last.prior_loss / base.prior_loss - 1, abs=1e-5)


def test_the_prior_holds_to_what_the_base_hears(prepared: Prepared, tmp_path: Path) -> None:
    """The first loss is 0: nothing is changed yet; a heavy prior keeps it low."""
    sums = {}
    for weight in (0.01, 50.0):
        log = train("sdxl", prepared, recipe(weight, steps=12, checkpoint_every=12), tmp_path / str(weight)).log
        losses = [row.prior_loss for row in log if row.prior_loss is not None]
        assert losses[0] < 1e-9 < losses[-1]
        sums[weight] = sum(losses)
    assert sums[50.0] < 0.7 * sums[0.01]


def test_micro_batches_change_memory_and_nothing_else(prepared: Prepared, tmp_path: Path) -> None:
    logs = [train("sdxl", prepared, recipe(micro_batch=size, steps=4), tmp_path / str(size)).log for size in (None, 1)]
    for column in ("loss", "grad_norm"):
        assert [getattr(row, column) for row in logs[0]] == pytest.approx(
            [getattr(row, column) for row in logs[1]], rel=1e-4
        )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"optimizer": "adamw", "lr_schedule": "cosine", "ema_decay": 0.9, "warmup_steps": 2}, id="adamw"),
        pytest.param({"optimizer": "adamw8bit", "rank": 256}, id="adamw8bit", marks=pytest.mark.slow),
        pytest.param({"optimizer": "schedulefree", "warmup_steps": 2}, id="schedulefree", marks=pytest.mark.slow),
        pytest.param({"optimizer": "adafactor", "background_prior": True}, id="adafactor", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_training_ends_with_the_same_bytes(
    changes: dict[str, Any], prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = recipe(**changes, micro_batch=1)
    train("sdxl", prepared, job, tmp_path / "whole")
    check = lora_recipe._check_finite

    def stopping(step: int, losses: Any, settings: Any, *what: str) -> None:
        if step == 7:
            raise KeyboardInterrupt
        check(step, losses, settings, *what)

    monkeypatch.setattr(lora_recipe, "_check_finite", stopping)
    with pytest.raises(KeyboardInterrupt):
        train("sdxl", prepared, job, tmp_path / "stopped", pause=0.0)
    monkeypatch.setattr(lora_recipe, "_check_finite", check)
    train("sdxl", prepared, job, tmp_path / "stopped", pause=0.0)
    for step in (5, 10):
        ours, theirs = (checkpoint_file(tmp_path / part / "checkpoints", step) for part in ("whole", "stopped"))
        assert ours.read_bytes() == theirs.read_bytes()
    first, last = (text_tensors(checkpoint_file(tmp_path / "whole" / "checkpoints", step)) for step in (5, 10))
    assert all(not torch.equal(first[name], last[name]) for name in last)


def test_the_text_encoders_have_their_own_rate() -> None:
    one, other = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimizer = make_optimizer(parameter_groups([one], [other], SETTINGS), SETTINGS)
    set_learning_rate(optimizer, 1.5e-3)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1.5e-3, 0.5e-3])


def test_memory_counts_the_text_encoders(prepared: Prepared) -> None:
    model, encodings = prepared("sdxl")
    frozen = SETTINGS.model_copy(update={"text_encoder": None})
    need, plain = (memory_need(sdxl, model, encodings, settings, 2) for settings in (SETTINGS, frozen))
    assert need is not None and plain is not None
    encoders = sdxl.load_text_encoders(model, CPU).models.values()
    assert need.model - plain.model == sum(weight.nbytes for each in encoders for weight in each.parameters())
    assert need.adapter > plain.adapter and need.activations > plain.activations


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text_encoder": {"rank": 0, "alpha": 1, "learning_rate": 1e-4}}, "text_encoder.rank"),
        ({"text_encoder": {"rank": 1, "alpha": 1}}, "text_encoder.learning_rate"),
        ({"text_encoder": {"rank": 1, "alpha": 1, "learning_rate": 1e-4, "dim": 3}}, "text_encoder.dim"),
        ({"text_encoder": TEXT.model_dump(), "optimizer": "prodigy", "learning_rate": 1.0}, "a rate of its own"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainingSettings.model_validate(values)


def test_flux_and_encodings_without_tokens_are_one_line(tiny_encodings: Encodings, tmp_path: Path) -> None:
    for module in (sd15, sdxl):
        check_family(SETTINGS, module)
    with pytest.raises(UserError, match="the text encoders of flux stay frozen; set it to null"):
        check_family(SETTINGS, flux)
    with pytest.raises(UserError, match="hold no tokens; run encode_dataset with --tokens"):
        check_training(tiny_encodings, SETTINGS, PriorSettings())
    model = save_tiny_flux(tmp_path / "flux")
    encodings = encode_tiny_dataset(flux, model, tmp_path, tokens=True)
    with pytest.raises(UserError, match="stay frozen"):
        train_lora(flux, model, encodings, recipe(), tmp_path / "work", SavingClock())
