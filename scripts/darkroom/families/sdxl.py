"""Stable Diffusion XL: a UNet between two CLIP text encoders and a VAE (Podell et al. 2023, arXiv:2307.01952)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.families import autoencoder, clip_text, kohya_names, model_folder, unet
from darkroom.families.base import Tensors
from darkroom.families.clip_text import TextEncoders, TextLayers
from darkroom.storage.files import read_json

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL, DiffusionPipeline, ModelMixin, SchedulerMixin
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

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
SKIPPED_FILES = unet.SKIPPED_FILES
TOKENIZER_FILES = ("tokenizer/*", "tokenizer_2/*", *model_folder.DENOISER_CONFIGS)
CONFIG_FILES = model_folder.without_weights(MODEL_FILES)
KOHYA_PREFIXES = {"unet": "lora_unet", "text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}
COMFYUI_READERS = "ComfyUI, A1111 or Forge"
RENDER_PRECISION = "float16"
DENOISER = "unet"
LAYERS = unet.LAYERS
DEFAULT_TIMESTEPS = "uniform"
FLOW_MATCHING = False
SAMPLING_STEPS, GUIDANCE = 30, 5.0
FAMILY = "sdxl"
# The last block of the first encoder has no effect; that of the second has, in the pooled text.
TEXT_LAYERS = {
    "text_encoder": TextLayers(clip_text.ATTENTION, unused=1),
    "text_encoder_2": TextLayers(clip_text.ATTENTION),
}

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
    return {"modelspec.architecture": "stable-diffusion-xl-v1-base/lora", "ss_base_model_version": "sdxl_base_v1-0"}


def load_tokenizers(model: Path) -> list[PreTrainedTokenizerBase]:
    """The tokenizers of the two text encoders."""
    return clip_text.load_tokenizers(FAMILY, model, ("tokenizer", "tokenizer_2"))


def load_text_encoders(model: Path, device: torch.device) -> TextEncoders:
    """Tokenizers and text encoders, in fp32, for `encode_text`."""
    import torch
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    classes = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    encoders = {
        part: clip_text.load_encoder(FAMILY, kind, model, part, device, torch.float32) for part, kind in classes.items()
    }
    zeros = read_json(model / "model_index.json").get("force_zeros_for_empty_prompt", True)
    return TextEncoders(dict(zip(classes, load_tokenizers(model), strict=True)), encoders, zeros)


def encode_text(encoders: TextEncoders, text: str) -> Tensors:
    """What the denoiser is conditioned on: `embeddings` (tokens, width) and `pooled` (width), fp32 on the CPU.

    SDXL takes the last hidden state but one of both encoders, side by side, and the projected output of the second.
    """
    return clip_text.encode_once(encode_tokens, encoders, text)


def encode_tokens(encoders: TextEncoders, tokens: Tensors) -> Tensors:
    """The same of stacked captions of `tokenize`: each of them stacked, on the encoders' device, with gradients."""
    import torch

    outputs = [clip_text.read_tokens(encoders, part, tokens, output_hidden_states=True) for part in encoders.models]
    embeddings, pooled = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1), outputs[-1].text_embeds
    spoken = tokens["spoken"].to(pooled.device)
    return {
        "embeddings": torch.where(spoken[:, None, None], embeddings, 0.0),
        "pooled": torch.where(spoken[:, None], pooled, 0.0),
    }


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
    """The denoiser's prediction for a batch of one size; `text` holds stacked `embeddings` and `pooled`.

    It is conditioned on frames as whole pictures of their own size, as at rendering: original size, no crop, target
    size.
    """
    import torch

    time_ids = torch.cat([sizes, torch.zeros_like(sizes), sizes], dim=1).to(noisy)
    added = {"text_embeds": text["pooled"].to(noisy), "time_ids": time_ids}
    embeddings = text["embeddings"].to(noisy)
    return denoiser(noisy, timesteps, encoder_hidden_states=embeddings, added_cond_kwargs=added).sample


def load_pipeline(model: Path, device: torch.device) -> DiffusionPipeline:
    """The whole pipeline for rendering: fp32 on the CPU, fp16 on a GPU."""
    from diffusers import StableDiffusionXLPipeline

    kind = StableDiffusionXLPipeline
    return model_folder.load_pipeline(FAMILY, kind, model, device, RENDER_PRECISION, add_watermarker=False).to(device)


def convert(file: Path, config: Path, folder: Path, prediction: str | None) -> str:
    """Write a checkpoint of one file in diffusers form; configs and tokenizers are those of a model's folder.

    Returns in words what it predicts: `prediction`, or as the file says, or as the folder.
    """
    from diffusers import StableDiffusionXLPipeline

    return unet.convert(StableDiffusionXLPipeline, file, config, folder, prediction, add_watermarker=False)


def comfyui_names(tensors: Tensors, alpha: float) -> Tensors:
    """LoRA tensors under kohya's names (read by ComfyUI, A1111, Forge), with alpha."""
    return kohya_names.to_kohya_names(tensors, alpha, KOHYA_PREFIXES)
