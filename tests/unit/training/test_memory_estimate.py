"""The estimate of memory, walked through without weights."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from tiny_dataset import encode_tiny_dataset
from tiny_models import save_tiny_flux, save_tiny_sd15

from darkroom.config.training import PriorSettings, TrainingSettings
from darkroom.errors import UserError
from darkroom.families import flux, sdxl
from darkroom.families.base import ModelFamily
from darkroom.training.adapter import add_adapter, trainable
from darkroom.training.encodings import Encodings
from darkroom.training.memory_estimate import OVERHEAD, Need, check_memory, memory_need, memory_there, samples_at_once

SETTINGS = TrainingSettings(rank=4, alpha=4, precision="fp32", gradient_checkpointing=False)
GIB = 2.0**30


def kept_by_a_true_step(model: Path, encodings: Encodings, samples: int) -> int:
    """Bytes that autograd keeps on the CPU, weights left out."""
    denoiser = sdxl.load_denoiser(model, torch.float32)
    add_adapter(denoiser, SETTINGS, sdxl.LAYERS["attention"])
    denoiser.train()
    weights = {weight.untyped_storage().data_ptr() for weight in denoiser.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    frame = max(encodings.of("frame", "train"), key=lambda row: row.height * row.width)
    latents = encodings.tensors(frame.latents)["latents"].expand(samples, -1, -1, -1)
    text = {name: value.expand(samples, *value.shape) for name, value in encodings.tensors(frame.text).items()}
    sizes = torch.tensor([[frame.height, frame.width]] * samples)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        sdxl.predict(denoiser, latents, torch.zeros(samples), text, sizes)
    return sum(t.untyped_storage().nbytes() for place, t in kept.items() if place not in weights)


@pytest.mark.parametrize("samples", [1, 3])
def test_the_estimate_is_what_a_true_step_keeps(tiny_model: Path, tmp_path: Path, samples: int) -> None:
    encodings = encode_tiny_dataset(sdxl, tiny_model, tmp_path, sizes=((256, 256), (32, 32)))
    need = memory_need(sdxl, tiny_model, encodings, SETTINGS, samples)
    assert need is not None
    assert need.activations == pytest.approx(kept_by_a_true_step(tiny_model, encodings, samples), rel=0.1)
    denoiser = sdxl.load_denoiser(tiny_model, torch.float32)
    assert need.model == sum(weight.nbytes for weight in denoiser.parameters())
    add_adapter(denoiser, SETTINGS, sdxl.LAYERS["attention"])
    assert need.adapter == 4 * sum(weight.nbytes for weight in trainable(denoiser).values())


@pytest.mark.parametrize("family", [sdxl, flux])
def test_checkpointing_and_fewer_samples_need_less(
    family: ModelFamily, tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    model, encodings = tiny_model, tiny_encodings
    if family is flux:
        model = save_tiny_flux(tmp_path / "flux")
        encodings = encode_tiny_dataset(flux, model, tmp_path / "encodings")
    saving = SETTINGS.model_copy(update={"gradient_checkpointing": True})
    needs = [memory_need(family, model, encodings, settings, 2) for settings in (SETTINGS, saving)]
    needs.append(memory_need(family, model, encodings, saving, 1))
    full, checkpointed, single = (need.activations for need in needs if need is not None)
    assert full > checkpointed > single > 0


def test_a_model_of_another_family_is_one_line(tiny_encodings: Encodings, tmp_path: Path) -> None:
    model = save_tiny_sd15(tmp_path / "sd15")
    with pytest.raises(UserError, match="give the target the family of its model") as caught:
        memory_need(sdxl, model, tiny_encodings, SETTINGS, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("need", "changes", "samples", "advice"),
    [
        (Need(1 * GIB, 0, 9 * GIB), {}, 4, "gradient_checkpointing: true"),
        (Need(1 * GIB, 0, 9 * GIB), {"gradient_checkpointing": True}, 4, "micro_batch: 2"),
        (Need(9 * GIB, 0, 1 * GIB), {"gradient_checkpointing": True}, 1, "precision: bf16"),
        (Need(1 * GIB, 9 * GIB, 1 * GIB), {"precision": "bf16"}, 1, "lower training.rank"),
        (Need(9 * GIB, 0, 1 * GIB), {"precision": "bf16", "gradient_checkpointing": True}, 1, "lower crop.resolution"),
        (
            Need(1 * GIB, 9 * GIB, 1 * GIB),
            {"precision": "bf16", "rank": 1},
            1,
            r"(?<!or )set training.optimizer: adamw8bit$",
        ),
        (
            Need(1 * GIB, 9 * GIB, 1 * GIB),
            {"precision": "bf16", "optimizer": "adamw8bit"},
            1,
            r"lower training.rank \(it is 4\)$",
        ),
        (
            Need(1 * GIB, 9 * GIB, 1 * GIB),
            {"precision": "bf16", "optimizer": "adafactor", "rank": 1},
            1,
            "lower crop.resolution",
        ),
    ],
)
def test_what_will_not_fit_names_the_setting_to_change(
    need: Need, changes: dict[str, object], samples: int, advice: str
) -> None:
    """A setting that is as it should be already is not named."""
    settings = SETTINGS.model_copy(update=changes)
    with pytest.raises(UserError, match=rf"needs memory about 1\d\.\d of 8\.0 GiB free; .*{advice}"):
        check_memory(need, 8 * GIB, settings, samples)
    assert check_memory(need, 16 * GIB, settings, samples).endswith("of 16.0 GiB free")


def test_only_what_a_step_keeps_is_uncertain() -> None:
    """Weights, adapter and optimizer are exact: where these do not fit, there is nothing to try."""
    exact, kept = Need(9 * GIB, 1 * GIB, 0), Need(0, 0, 10 * GIB)
    with pytest.raises(UserError, match="it needs memory"):
        check_memory(exact, 9.9 * GIB, SETTINGS, 1)
    assert "; where that does not do, " in check_memory(exact, 10 * GIB, SETTINGS, 1)
    assert "; where that does not do, " in check_memory(kept, 8 * GIB, SETTINGS, 1)
    with pytest.raises(UserError, match="it needs memory"):
        check_memory(kept, 7.9 * GIB, SETTINGS, 1)
    assert "; " not in check_memory(kept, kept.activations + OVERHEAD, SETTINGS, 1)


def test_what_is_there_is_what_no_program_uses_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=64 * GIB, available=12 * GIB))
    assert memory_there(torch.device("cpu"), 2) == 6 * GIB
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * GIB, 24 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 1 * GIB)
    assert memory_there(torch.device("cuda"), 2) == 6 * GIB


def test_samples_at_once_are_those_of_a_process() -> None:
    settings = TrainingSettings(batch=8, prior_share=0.5)
    assert samples_at_once(settings, PriorSettings(), 1) == 8
    assert samples_at_once(settings, PriorSettings(weight=1.0), 1) == 12
    assert samples_at_once(settings, PriorSettings(weight=1.0), 4) == 3
    assert samples_at_once(settings.model_copy(update={"micro_batch": 2}), PriorSettings(), 1) == 2
