"""Tiny models of every family, of the true architecture with random weights: for tests only."""

from pathlib import Path

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from tiny_sdxl import save_tiny_sdxl, text_config, tiny_vae, tokenizer
from transformers import CLIPTextModel, T5Config, T5EncoderModel, T5Tokenizer


def save_tiny_sd15(folder: Path, prediction_type: str = "epsilon") -> Path:
    """Write a random Stable Diffusion 1.5 of about 50,000 parameters."""
    torch.manual_seed(0)
    words = tokenizer()
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=2,
        cross_attention_dim=16,
        norm_num_groups=4,
    )
    pipeline = StableDiffusionPipeline(
        vae=tiny_vae(),
        text_encoder=CLIPTextModel(text_config(16, len(words))),
        tokenizer=words,
        unet=unet,
        scheduler=PNDMScheduler(prediction_type=prediction_type, skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def t5_tokenizer() -> T5Tokenizer:
    """Letters and nothing else."""
    pieces = ["<pad>", "</s>", "<unk>", "▁", *map(chr, range(33, 127))]
    return T5Tokenizer(vocab=[(piece, -1.0) for piece in pieces], extra_ids=0, model_max_length=32)


def save_tiny_flux(folder: Path, guided: bool = True) -> Path:
    """Write a random FLUX.1 of about 50,000 parameters: dev, or schnell where it is not `guided`."""
    torch.manual_seed(0)
    words, pieces = tokenizer(), t5_tokenizer()
    transformer = FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        guidance_embeds=guided,
        axes_dims_rope=(2, 2, 4),
    )
    encoder = T5Config(
        vocab_size=len(pieces), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    pipeline = FluxPipeline(
        vae=tiny_vae(shift_factor=0.1),
        text_encoder=CLIPTextModel(text_config(16, len(words))),
        text_encoder_2=T5EncoderModel(encoder),
        tokenizer=words,
        tokenizer_2=pieces,
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
        if guided
        else FlowMatchEulerDiscreteScheduler(),
    )
    pipeline.save_pretrained(folder)
    return folder


# A family's tiny models by name: the family and how the model is saved.
TINY_MODELS = {
    "sd15": ("sd15", save_tiny_sd15),
    "sd15-v": ("sd15", lambda folder: save_tiny_sd15(folder, "v_prediction")),
    "sdxl": ("sdxl", lambda folder: save_tiny_sdxl(folder, "epsilon")),
    "sdxl-v": ("sdxl", save_tiny_sdxl),
    "flux-dev": ("flux", save_tiny_flux),
    "flux-schnell": ("flux", lambda folder: save_tiny_flux(folder, guided=False)),
}
