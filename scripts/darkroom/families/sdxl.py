"""Stable Diffusion XL: a UNet between two CLIP text encoders and a VAE (Podell et al. 2023, arXiv:2307.01952)."""

from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.families.kohya_names import to_kohya_names
from darkroom.files import read_json

MODEL_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    "tokenizer_2/*",
    "text_encoder/config.json",
    "text_encoder/model*.safetensors*",
    "text_encoder_2/config.json",
    "text_encoder_2/model*.safetensors*",
    "unet/config.json",
    "unet/diffusion_pytorch_model*.safetensors*",
    "vae/config.json",
    "vae/diffusion_pytorch_model*.safetensors*",
)
SKIPPED_FILES = ("*.fp16.safetensors", "*.non_ema.safetensors", "*.fp16.safetensors.index.json")
KOHYA_PREFIXES = {"unet": "lora_unet", "text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}
MODELSPEC_ARCHITECTURE = "stable-diffusion-xl-v1-base/lora"
KOHYA_BASE_VERSION = "sdxl_base_v1-0"
DENOISER = "unet"
RENDER_PRECISION = "float16"

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
FEEDFORWARD = ["ff.net.0.proj", "ff.net.2"]
REST = ["proj_in", "proj_out", "conv1", "conv2", "conv_shortcut", "time_emb_proj"]
LAYERS = {
    "attention": ATTENTION,
    "attention+feedforward": ATTENTION + FEEDFORWARD,
    "all": ATTENTION + FEEDFORWARD + REST,
}


def _load(load: Any, model: Path, part: str, **options: Any) -> Any:
    """One part of a model in diffusers form (`.` for the whole); UserError where the folder does not hold it."""
    if not (model / part).is_dir() or (part == "." and not (model / "model_index.json").exists()):
        raise UserError(
            f"{model}: it holds no {part if part != '.' else 'model_index.json'}, so it is no SDXL model in diffusers "
            "form; give the folder that holds model_index.json, unet, vae, text_encoder and text_encoder_2"
        )
    try:
        return load(str(model / part), local_files_only=True, **options)
    except (OSError, TypeError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"{model / part}: it does not load: {' '.join(str(error).split())[:300]}") from None


def load_tokenizers(model: Path) -> list[Any]:
    """The tokenizers of the two text encoders."""
    from transformers import CLIPTokenizer

    return [_load(CLIPTokenizer.from_pretrained, model, part) for part in ("tokenizer", "tokenizer_2")]


def count_tokens(tokenizers: list[Any], text: str) -> int:
    """Tokens of a text for the encoder that needs most, start and end tokens included."""
    return max(len(tokenizer(text).input_ids) for tokenizer in tokenizers)


def token_limit(tokenizers: list[Any]) -> int:
    """The most tokens that every encoder reads, start and end tokens included; what is beyond is cut off."""
    return min(int(tokenizer.model_max_length) for tokenizer in tokenizers)


def load_text_encoders(model: Path, device: Any) -> Any:
    """Tokenizers and text encoders, in fp32, for `encode_text`."""
    import torch
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    classes = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    encoders = [
        _load(kind.from_pretrained, model, part, dtype=torch.float32, use_safetensors=True).to(device).eval()
        for part, kind in classes.items()
    ]
    zeros = read_json(model / "model_index.json").get("force_zeros_for_empty_prompt", True)
    return load_tokenizers(model), encoders, zeros


def encode_text(encoders: Any, text: str) -> dict[str, Any]:
    """What the denoiser hears of a caption: `embeddings` (tokens, width) and `pooled` (width), fp32 on the CPU.

    SDXL takes the last hidden state but one of both encoders, side by side, and the projected output of the second.
    """
    import torch

    tokenizers, models, zeros_for_empty = encoders
    hidden = []
    with torch.no_grad():
        for tokenizer, model in zip(tokenizers, models, strict=True):
            limit = tokenizer.model_max_length
            tokens = tokenizer(text, padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
            output = model(tokens.input_ids.to(model.device), output_hidden_states=True)
            hidden.append(output.hidden_states[-2][0])
    encoded = {"embeddings": torch.cat(hidden, dim=-1).cpu(), "pooled": output.text_embeds[0].cpu()}
    if text == "" and zeros_for_empty:
        return {name: torch.zeros_like(tensor) for name, tensor in encoded.items()}
    return {name: tensor.contiguous() for name, tensor in encoded.items()}


def load_vae(model: Path, device: Any) -> Any:
    """The VAE for `encode_picture`, in fp32: SDXL's own overflows in fp16 (`force_upcast`)."""
    import torch
    from diffusers import AutoencoderKL

    vae = _load(AutoencoderKL.from_pretrained, model, "vae", dtype=torch.float32, use_safetensors=True)
    return vae.to(device).eval()


def encode_picture(vae: Any, picture: Any) -> Any:
    """The latents (channels, height, width) of a picture (3, height, width) in [-1, 1]: the mean, scaled, fp32, CPU."""
    import torch

    with torch.no_grad():
        mean = vae.encode(picture[None].to(vae.device)).latent_dist.mean[0]
    return (mean * vae.config.scaling_factor).cpu().contiguous()


def load_denoiser(model: Path, precision: Any) -> Any:
    """The UNet alone, frozen, on the CPU, in the given torch dtype."""
    from diffusers import UNet2DConditionModel

    unet = _load(UNet2DConditionModel.from_pretrained, model, "unet", dtype=precision, use_safetensors=True)
    return unet.requires_grad_(False)


def load_schedule(model: Path) -> Any:
    """The noise schedule that the model was trained with: its betas, its prediction type, zero terminal SNR or not."""
    from diffusers import DDPMScheduler

    schedule = _load(DDPMScheduler.from_pretrained, model, "scheduler")
    if schedule.config.prediction_type not in ("epsilon", "v_prediction"):
        raise UserError(f"{model}/scheduler: prediction_type {schedule.config.prediction_type} is not known for SDXL")
    return schedule


def timesteps_at(schedule: Any, shares: Any) -> Any:
    """The timesteps (count) that lie at these shares, in [0, 1), of the way from data to noise."""
    return (shares * schedule.config.num_train_timesteps).long()


def add_noise(schedule: Any, latents: Any, noise: Any, timesteps: Any) -> Any:
    """The noisy latents (count, channels, height, width) at each sample's timestep."""
    return schedule.add_noise(latents, noise, timesteps)


def target(schedule: Any, latents: Any, noise: Any, timesteps: Any) -> Any:
    """What the denoiser shall say: the noise, or v = alpha noise - sigma latents (Salimans & Ho 2022)."""
    if schedule.config.prediction_type == "v_prediction":
        return schedule.get_velocity(latents, noise, timesteps)
    return noise


def predict(denoiser: Any, noisy: Any, timesteps: Any, text: dict[str, Any], sizes: Any) -> Any:
    """The denoiser's answer for a batch of one size.

    `text` holds stacked `embeddings` and `pooled`; `sizes` (count, 2) is height and width of the frames in pixels.
    Frames are told to be whole pictures of their own size, as at rendering: original size, no crop, target size.
    """
    import torch

    time_ids = torch.cat([sizes, torch.zeros_like(sizes), sizes], dim=1).to(noisy)
    added = {"text_embeds": text["pooled"].to(noisy), "time_ids": time_ids}
    embeddings = text["embeddings"].to(noisy)
    return denoiser(noisy, timesteps, encoder_hidden_states=embeddings, added_cond_kwargs=added).sample


def load_pipeline(model: Path, device: Any) -> Any:
    """The whole pipeline for rendering: fp32 on the CPU, fp16 on a GPU."""
    import torch
    from diffusers import StableDiffusionXLPipeline
    from diffusers.utils.logging import disable_progress_bar

    disable_progress_bar()
    precision = torch.float32 if device.type == "cpu" else getattr(torch, RENDER_PRECISION)
    load, options = StableDiffusionXLPipeline.from_pretrained, {"use_safetensors": True, "add_watermarker": False}
    pipeline = _load(load, model, ".", dtype=precision, **options).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def to_kohya(tensors: dict[str, Any], alpha: float) -> dict[str, Any]:
    """LoRA tensors under kohya's names (read by ComfyUI, A1111, Forge), with alpha."""
    return to_kohya_names(tensors, alpha, KOHYA_PREFIXES)
