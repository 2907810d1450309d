"""Stable Diffusion 1.5: a UNet behind one CLIP text encoder (Rombach et al. 2022, arXiv:2112.10752)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.families import autoencoder, clip_text, kohya_names, model_folder, unet
from darkroom.families.base import Tensors
from darkroom.families.clip_text import TextEncoders, TextLayers

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL, DiffusionPipeline, ModelMixin, SchedulerMixin
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

MODEL_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    "text_encoder/config.json",
    "text_encoder/model*.safetensors*",
    "unet/config.json",
    "unet/diffusion_pytorch_model*.safetensors*",
    "vae/config.json",
    "vae/diffusion_pytorch_model*.safetensors*",
)
SKIPPED_FILES = unet.SKIPPED_FILES
TOKENIZER_FILES = ("tokenizer/*", *model_folder.DENOISER_CONFIGS)
CONFIG_FILES = model_folder.without_weights(MODEL_FILES)
KOHYA_PREFIXES = {"unet": "lora_unet", "text_encoder": "lora_te"}
COMFYUI_READERS = "ComfyUI, A1111 or Forge"
RENDER_PRECISION = "float16"
DENOISER = "unet"
LAYERS = unet.LAYERS
DEFAULT_TIMESTEPS = "uniform"
FLOW_MATCHING = False
SAMPLING_STEPS, GUIDANCE = 30, 7.5
FAMILY = "sd15"
TEXT_LAYERS = {"text_encoder": TextLayers(clip_text.ATTENTION)}
WITHOUT_CHECKER = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}

count_tokens = clip_text.count_tokens
token_limit = clip_text.token_limit
tokenize = clip_text.tokenize
encode_picture = autoencoder.encode_picture
timesteps_at = unet.timesteps_at
shifted = unet.shifted
add_noise = unet.add_noise
target = unet.target
loss_weights = unet.loss_weights


def check_model(model: Path) -> None:
    """Raise UserError, one line, where a folder is no whole model of this family. Reads no weights."""
    unet.check_model(FAMILY, model, MODEL_FILES)


def published_as(model: Path) -> dict[str, str]:
    """What published files say of the base model: modelspec's architecture and kohya's base version."""
    return {"modelspec.architecture": "stable-diffusion-v1/lora", "ss_base_model_version": "sd_v1"}


def load_tokenizers(model: Path) -> list[PreTrainedTokenizerBase]:
    """The tokenizer of the text encoder."""
    return clip_text.load_tokenizers(FAMILY, model, ("tokenizer",))


def load_text_encoders(model: Path, device: torch.device) -> TextEncoders:
    """Tokenizer and text encoder, in fp32, for `encode_text`."""
    import torch
    from transformers import CLIPTextModel

    encoder = clip_text.load_encoder(FAMILY, CLIPTextModel, model, "text_encoder", device, torch.float32)
    return TextEncoders({"text_encoder": load_tokenizers(model)[0]}, {"text_encoder": encoder})


def encode_text(encoders: TextEncoders, text: str) -> Tensors:
    """What the denoiser is conditioned on: `embeddings` (tokens, width), the last hidden state, fp32 on the CPU."""
    return clip_text.encode_once(encode_tokens, encoders, text)


def encode_tokens(encoders: TextEncoders, tokens: Tensors) -> Tensors:
    """The same of stacked captions of `tokenize`: each of them stacked, on the encoder's device, with gradients."""
    return {"embeddings": clip_text.read_tokens(encoders, "text_encoder", tokens).last_hidden_state}


def load_vae(model: Path, device: torch.device) -> AutoencoderKL:
    """The VAE for `encode_picture`."""
    return autoencoder.load_vae(FAMILY, model, device)


def load_denoiser(model: Path, precision: torch.dtype) -> ModelMixin:
    """The UNet alone, frozen, on the CPU, in the given torch dtype."""
    return unet.load_denoiser(FAMILY, model, precision)


def load_noise_scheduler(model: Path) -> SchedulerMixin:
    """The noise scheduler that the model was trained with."""
    return unet.load_noise_scheduler(FAMILY, model)


def predict(denoiser: ModelMixin, noisy: Tensor, timesteps: Tensor, text: Tensors, sizes: Tensor) -> Tensor:
    """The denoiser's prediction for a batch of one size; the frames' sizes in pixels condition nothing."""
    return denoiser(noisy, timesteps, encoder_hidden_states=text["embeddings"].to(noisy)).sample


def load_pipeline(model: Path, device: torch.device) -> DiffusionPipeline:
    """The whole pipeline for rendering, without the safety checker, which decides nothing of a LoRA's pictures."""
    from diffusers import StableDiffusionPipeline

    kind = StableDiffusionPipeline
    return model_folder.load_pipeline(FAMILY, kind, model, device, RENDER_PRECISION, **WITHOUT_CHECKER).to(device)


def convert(file: Path, config: Path, folder: Path, prediction: str | None) -> str:
    """Write a checkpoint of one file in diffusers form; configs and tokenizers are those of a model's folder.

    Returns in words what it predicts: `prediction`, or as the file says, or as the folder.
    """
    from diffusers import StableDiffusionPipeline

    return unet.convert(StableDiffusionPipeline, file, config, folder, prediction, **WITHOUT_CHECKER)


def comfyui_names(tensors: Tensors, alpha: float) -> Tensors:
    """LoRA tensors under kohya's names (read by ComfyUI, A1111, Forge), with alpha."""
    return kohya_names.to_kohya_names(tensors, alpha, KOHYA_PREFIXES)
