"""Folders that are no whole model of their family, or of one that Darkroom does not train: seen before weights load."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import TINY_MODELS

from darkroom.errors import UserError
from darkroom.families import flux, sd15, sdxl
from darkroom.families.base import family
from darkroom.storage.files import read_json, write_json

Tiny = Callable[[str], Path]
BETAS = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def copy_of(model: Path, folder: Path) -> Path:
    return shutil.copytree(model, folder / "model")


def change(file: Path, **values: Any) -> None:
    write_json(file, {**read_json(file), **values})


def refused(check: Callable[[Path], object], model: Path, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TINY_MODELS)
def test_what_a_whole_model_lacks_is_named(name: str, tiny: Tiny, tmp_path: Path) -> None:
    module = family(TINY_MODELS[name][0])
    module.check_model(tiny(name))
    for number, (lost, message) in enumerate(
        (
            (f"{module.DENOISER}/diffusion_pytorch_model.safetensors", "safetensors: these weights are missing; put"),
            ("text_encoder/model.safetensors", "model.safetensors: these weights are missing; put"),
            ("vae", "it holds no vae, so it is no "),
            ("model_index.json", "it holds no model_index.json, so it is no "),
        )
    ):
        model = copy_of(tiny(name), tmp_path / str(number))
        shutil.rmtree(model / lost) if (model / lost).is_dir() else (model / lost).unlink()
        refused(module.check_model, model, message)


def test_weights_in_pieces_are_whole_where_every_piece_is_there(tiny: Tiny, tmp_path: Path) -> None:
    model = copy_of(tiny("sdxl"), tmp_path)
    whole = model / "unet" / "diffusion_pytorch_model.safetensors"
    pieces = [whole.with_name(f"diffusion_pytorch_model-0000{number}-of-00002.safetensors") for number in (1, 2)]
    for piece in pieces:
        shutil.copyfile(whole, piece)
    whole.unlink()
    write_json(Path(f"{whole}.index.json"), {"weight_map": {piece.name: piece.name for piece in pieces}})
    sdxl.check_model(model)
    pieces[1].unlink()
    refused(sdxl.check_model, model, "00002-of-00002.safetensors: these weights are missing")


def test_stable_diffusion_2_is_not_taken_for_1(tiny: Tiny, tmp_path: Path) -> None:
    """It differs in the text encoder and mostly in what it predicts."""
    model = copy_of(tiny("sd15"), tmp_path)
    change(model / "unet" / "config.json", cross_attention_dim=768)
    sd15.load_noise_scheduler(model)
    change(model / "unet" / "config.json", cross_attention_dim=1024)
    for check in (sd15.check_model, sd15.load_noise_scheduler):
        refused(check, model, "of Stable Diffusion 2, not of Stable Diffusion 1.5; Darkroom does not know this family;")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"_class_name": "EDMDPMSolverMultistepScheduler", "sigma_data": 0.5, "prediction_type": "epsilon"},
            "EDMDPMSolverMultistepScheduler with sigma_data",
        ),
        (
            {"_class_name": "EDMEulerScheduler", "sigma_data": 1.0, "prediction_type": "v_prediction"},
            "EDMEulerScheduler with sigma_data",
        ),
        (
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0},
            "FlowMatchEulerDiscreteScheduler with no betas",
        ),
        (
            BETAS | {"_class_name": "EulerDiscreteScheduler", "timestep_type": "continuous"},
            "EulerDiscreteScheduler with cont",
        ),
        (
            BETAS | {"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True},
            "UniPCMultistepScheduler with flow",
        ),
        (BETAS | {"_class_name": "DDIMScheduler", "prediction_type": "sample"}, "prediction_type sample is not known"),
    ],
)
def test_schedulers_of_another_kind_are_refused(
    config: dict[str, Any], message: str, tiny: Tiny, tmp_path: Path
) -> None:
    """Playground v2.5 and CosXL have the UNet of SDXL, but learned another noise."""
    model = copy_of(tiny("sdxl"), tmp_path)
    write_json(model / "scheduler" / "scheduler_config.json", config)
    for check in (sdxl.load_noise_scheduler, sdxl.check_model):
        refused(check, model, rf"scheduler_config\.json: {message}.*; give another model$")


def test_a_scheduler_that_says_no_prediction_predicts_noise(tiny: Tiny, tmp_path: Path) -> None:
    """As that of the first Stable Diffusion 1.5."""
    model = copy_of(tiny("sd15"), tmp_path)
    write_json(model / "scheduler" / "scheduler_config.json", BETAS | {"_class_name": "PNDMScheduler"})
    sd15.check_model(model)
    assert sd15.load_noise_scheduler(model).config.prediction_type == "epsilon"


def test_latents_with_a_mean_of_their_own_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    import torch

    model = copy_of(tiny("sdxl"), tmp_path)
    change(model / "vae" / "config.json", latents_mean=[0.1] * 4, latents_std=[2.0] * 4)
    refused(sdxl.check_model, model, "latents_mean")
    refused(lambda folder: sdxl.load_vae(folder, torch.device("cpu")), model, "latents_mean")


@pytest.mark.parametrize("name", ["flux-dev", "flux-schnell"])
def test_dev_and_schnell_are_published_under_their_names(name: str, tiny: Tiny) -> None:
    published = flux.published_as(tiny(name))
    expected = {"flux-dev": "flux-1-dev/lora", "flux-schnell": "flux-1-schnell/lora"}[name]
    assert published == {"modelspec.architecture": expected, "ss_base_model_version": "flux1"}
