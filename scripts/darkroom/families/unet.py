"""What the UNets of Stable Diffusion share: loading, the noise schedule, targets and the layers that adapters go on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.families import autoencoder, model_folder, single_file
from darkroom.storage.files import read_json

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


def _other_noise(config: Mapping[str, Any]) -> str | None:
    """What in a scheduler's config tells that its noise is not made by betas at numbered time steps."""
    if config.get("sigma_data") is not None:
        return "sigma_data"
    if config.get("timestep_type") == "continuous":
        return "continuous time steps"
    if config.get("use_flow_sigmas"):
        return "flow sigmas"
    return None if "beta_schedule" in config else "no betas"


def load_denoiser(family: str, model: Path, precision: Any) -> Any:
    """The UNet alone, frozen, on the CPU, in the given torch dtype."""
    from diffusers import UNet2DConditionModel

    load = UNet2DConditionModel.from_pretrained
    unet = model_folder.load_part(family, load, model, "unet", dtype=precision, use_safetensors=True)
    return unet.requires_grad_(False)


def load_schedule(family: str, model: Path) -> Any:
    """The noise schedule that the model was trained with: its betas, its prediction type, zero terminal SNR or not."""
    from diffusers import DDPMScheduler

    model_folder.check_family(family, model)
    check_schedule(family, model)
    return model_folder.load_part(family, DDPMScheduler.from_pretrained, model, "scheduler")


def convert(kind: Any, file: Path, config: Path, folder: Path, asked: str | None, **options: Any) -> str:
    """Write a checkpoint of one file as a pipeline of a class of diffusers and say what it predicts, and who says so.

    Configs and tokenizers are those of a model's folder, the scheduler's prediction is as `asked` or as the file says.
    """
    found = single_file.prediction_of(file, asked)
    pipeline = single_file.load(kind, file, config, **options)
    if found is not None:
        pipeline.scheduler = single_file.predicting(pipeline.scheduler, found)
    pipeline.save_pretrained(folder)
    schedule = pipeline.scheduler.config
    zero = " with zero terminal SNR" if schedule.get("rescale_betas_zero_snr") else ""
    source = "as asked" if asked else f"as {file.name if found else config} says"
    return f"it predicts {schedule.prediction_type}{zero}, {source}"


def timesteps_at(schedule: Any, shares: Any) -> Any:
    """The timesteps (count) that lie at these shares, in [0, 1), of the way from data to noise."""
    return (shares * schedule.config.num_train_timesteps).long()


def shift_at(schedule: Any, height: int, width: int) -> None:
    """None: these models draw their timesteps alike at every size."""


def add_noise(schedule: Any, latents: Any, noise: Any, timesteps: Any) -> Any:
    """The noisy latents (count, channels, height, width) at each sample's timestep."""
    return schedule.add_noise(latents, noise, timesteps)


def target(schedule: Any, latents: Any, noise: Any, timesteps: Any) -> Any:
    """What the denoiser shall say: the noise, or v = alpha noise - sigma latents (Salimans & Ho 2022)."""
    if schedule.config.prediction_type == "v_prediction":
        return schedule.get_velocity(latents, noise, timesteps)
    return noise


def snr(schedule: Any, timesteps: Any) -> Any:
    """The signal-to-noise ratios (count) at timesteps: alpha^2 / sigma^2 (Hang et al. 2023, arXiv:2303.09556)."""
    signal = schedule.alphas_cumprod.to(timesteps.device)[timesteps]
    return signal / (1 - signal)
