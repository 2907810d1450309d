"""What the UNets of Stable Diffusion share: loading, noise scheduler, targets and the layers that adapters go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.errors import UserError
from darkroom.families import autoencoder, model_folder, single_file
from darkroom.storage.files import read_json

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline, ModelMixin, SchedulerMixin
    from torch import Tensor

SKIPPED_FILES = ("*.fp16.safetensors", "*.non_ema.safetensors", "*.fp16.safetensors.index.json")
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
FEEDFORWARD = ["ff.net.0.proj", "ff.net.2"]
REST = ["proj_in", "proj_out", "conv1", "conv2", "conv_shortcut", "time_emb_proj"]
LAYERS = {
    "attention": ATTENTION,
    "attention+feedforward": ATTENTION + FEEDFORWARD,
    "all": ATTENTION + FEEDFORWARD + REST,
}


def check_model(family: str, model: Path, files: tuple[str, ...]) -> None:
    """Raise UserError, one line, where a folder is no whole model of a family that can be trained. Reads no weights."""
    model_folder.check_model(family, model, files)
    autoencoder.check_vae(model)
    check_schedule(family, model)


def check_schedule(family: str, model: Path) -> None:
    """Raise UserError, one line, where the scheduler is not of noise by betas and a prediction of noise or v.

    EDM (Karras et al. 2022) and flow matching know other noise and other targets: trained by betas, a LoRA of such a
    model would be wrong without a word. A config that says no prediction, as the first SD1.5's, means noise.
    """
    file = model / "scheduler" / "scheduler_config.json"
    if not file.exists():
        return
    config, name = read_json(file), model_folder.NAMES[family]
    other = _other_noise(config)
    if other is not None:
        raise UserError(
            f"{file}: {config.get('_class_name')} with {other} is for models of another kind than {name} (EDM or flow "
            "matching); give another model"
        )
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in single_file.PREDICTIONS:
        raise UserError(f"{file}: prediction_type {prediction} is not known for {name}; give another model")


def _other_noise(config: Mapping[str, object]) -> str | None:
    """What in a scheduler's config tells that its noise is not made by betas at numbered time steps."""
    if config.get("sigma_data") is not None:
        return "sigma_data"
    if config.get("timestep_type") == "continuous":
        return "continuous time steps"
    if config.get("use_flow_sigmas"):
        return "flow sigmas"
    return None if "beta_schedule" in config else "no betas"


def load_denoiser(family: str, model: Path, precision: torch.dtype) -> ModelMixin:
    """The UNet alone, frozen, on the CPU, in the given torch dtype."""
    from diffusers import UNet2DConditionModel

    load = UNet2DConditionModel.from_pretrained
    unet = model_folder.load_part(family, load, model, "unet", dtype=precision, use_safetensors=True)
    return unet.requires_grad_(False)


def load_noise_scheduler(family: str, model: Path) -> SchedulerMixin:
    """The noise scheduler that the model was trained with: its betas, its prediction type, zero terminal SNR or not."""
    from diffusers import DDPMScheduler

    model_folder.check_family(family, model)
    check_schedule(family, model)
    return model_folder.load_part(family, DDPMScheduler.from_pretrained, model, "scheduler")


def convert(
    kind: type[DiffusionPipeline], file: Path, config: Path, folder: Path, asked: str | None, **options: object
) -> str:
    """Write a checkpoint of one file as a pipeline of a class of diffusers and say what it predicts, and who says so.

    Configs and tokenizers are those of a model's folder, the scheduler's prediction is as `asked` or as the file says.
    """
    found = single_file.prediction_of(file, asked)
    pipeline = single_file.load(kind.from_single_file, file, config, **options)
    if found is not None:
        pipeline.scheduler = single_file.predicting(pipeline.scheduler, found)
    pipeline.save_pretrained(folder)
    noise = pipeline.scheduler.config
    zero = " with zero terminal SNR" if noise.get("rescale_betas_zero_snr") else ""
    source = "as asked" if asked else f"as {file.name if found else config} says"
    return f"it predicts {noise.prediction_type}{zero}, {source}"


def shifted(noise_scheduler: SchedulerMixin, u: Tensor, height: int, width: int) -> Tensor:
    """`u` as it is: these models draw their timesteps alike at every size."""
    return u


def timesteps_at(noise_scheduler: SchedulerMixin, u: Tensor) -> Tensor:
    """The timesteps (count) that lie at `u`, in [0, 1), of the way from data to noise."""
    return (u * noise_scheduler.config.num_train_timesteps).long()


def add_noise(noise_scheduler: SchedulerMixin, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The noisy latents (count, channels, height, width) at each sample's timestep."""
    noisy: Tensor = noise_scheduler.add_noise(latents, noise, timesteps)
    return noisy


def target(noise_scheduler: SchedulerMixin, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What the denoiser is to predict: the noise, or v = alpha noise - sigma latents (Salimans & Ho 2022)."""
    if noise_scheduler.config.prediction_type != "v_prediction":
        return noise
    velocity: Tensor = noise_scheduler.get_velocity(latents, noise, timesteps)
    return velocity


def loss_weights(noise_scheduler: SchedulerMixin, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
    """The weight (count) of each timestep: 1, or min(SNR, gamma) on the clean picture (Hang et al. 2023, 2303.09556).

    That is min(SNR, gamma) / SNR of an error in the noise and min(SNR, gamma) / (SNR + 1) of one in v.
    """
    import torch

    if min_snr_gamma is None:
        return torch.ones(len(timesteps))
    ratio = snr(noise_scheduler, timesteps)
    if noise_scheduler.config.prediction_type == "v_prediction":
        return torch.clamp(ratio, max=min_snr_gamma) / (ratio + 1)
    return torch.clamp(min_snr_gamma / ratio, max=1)


def snr(noise_scheduler: SchedulerMixin, timesteps: Tensor) -> Tensor:
    """The signal-to-noise ratios (count) at timesteps: alpha^2 / sigma^2."""
    signal: Tensor = noise_scheduler.alphas_cumprod.to(timesteps.device)[timesteps]
    return signal / (1 - signal)
