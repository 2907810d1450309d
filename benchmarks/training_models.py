"""Mid-size SDXL and FLUX.1 for measuring: the true architectures with random weights, each part about as much narrower.

Text encoders and VAE keep about the share of the weights that they have in the real models, because a trainer that
holds them pays for that share.
"""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

CLIP_TOKENS, T5_TOKENS = 77, 512
LETTERS = string.ascii_letters + string.digits + string.punctuation


def clip_tokenizer() -> CLIPTokenizer:
    """Single characters, as many of them as CLIP reads tokens."""
    words = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=CLIP_TOKENS)


def clip_config(width: int, layers: int, words: int) -> CLIPTextConfig:
    """A CLIP text encoder with heads of 64, as the real ones have them."""
    return CLIPTextConfig(
        vocab_size=words,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        max_position_embeddings=CLIP_TOKENS,
        projection_dim=width,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )


def autoencoder(channels: int, **options: Any) -> AutoencoderKL:
    """The VAE of both families, its channels 3/8 of theirs."""
    return AutoencoderKL(
        block_out_channels=(48, 96, 192, 192),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=channels,
        norm_num_groups=8,
        **options,
    )


def save_sdxl(folder: Path) -> None:
    """SDXL, two fifths as wide: 320, 640, 1280 channels are 128, 256, 512."""
    words = clip_tokenizer()
    first, second = clip_config(320, 12, len(words)), clip_config(512, 32, len(words))
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=(128, 256, 512),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2,
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(2, 4, 8),
        cross_attention_dim=first.hidden_size + second.hidden_size,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=64,
        projection_class_embeddings_input_dim=second.projection_dim + 6 * 64,
    )
    StableDiffusionXLPipeline(
        vae=autoencoder(4, scaling_factor=0.13025),
        text_encoder=CLIPTextModel(first),
        text_encoder_2=CLIPTextModelWithProjection(second),
        tokenizer=words,
        tokenizer_2=words,
        unet=unet,
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        add_watermarker=False,
    ).save_pretrained(folder)


def save_flux(folder: Path) -> None:
    """FLUX.1 dev, a quarter as wide and a third as deep."""
    words = clip_tokenizer()
    pieces = T5Tokenizer(
        vocab=[(piece, -1.0) for piece in ("<pad>", "</s>", "<unk>", "▁", *LETTERS)],
        extra_ids=0,
        model_max_length=T5_TOKENS,
    )
    clip = clip_config(192, 12, len(words))
    t5 = T5Config(
        vocab_size=len(pieces),
        d_model=1024,
        d_kv=64,
        d_ff=2560,
        num_layers=8,
        num_heads=16,
        feed_forward_proj="gated-gelu",
    )
    transformer = FluxTransformer2DModel(
        in_channels=64,
        num_layers=6,
        num_single_layers=12,
        attention_head_dim=128,
        num_attention_heads=6,
        joint_attention_dim=t5.d_model,
        pooled_projection_dim=clip.hidden_size,
        guidance_embeds=True,
    )
    FluxPipeline(
        vae=autoencoder(16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=CLIPTextModel(clip),
        text_encoder_2=T5EncoderModel(t5),
        tokenizer=words,
        tokenizer_2=pieces,
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
    ).save_pretrained(folder)


SAVED: dict[str, Callable[[Path], None]] = {"sdxl": save_sdxl, "flux": save_flux}


def make_model(family: str, folder: Path) -> Path:
    """The model of a family in a folder, always the same weights; made unless it is there."""
    model = folder / family
    if not (model / "model_index.json").exists():
        torch.manual_seed(0)
        SAVED[family](model)
    return model


def weights_of(model: Path) -> dict[str, int]:
    """The millions of weights of each part of a model, from the size of its files in fp32."""
    sizes = {part.name: sum(file.stat().st_size for file in part.glob("*.safetensors")) for part in model.iterdir()}
    return {part: round(size / 4e6) for part, size in sorted(sizes.items()) if size}


def make_pictures(folder: Path, count: int, side: int) -> list[Path]:
    """Pictures of smooth random colours: what they show does not matter, only their size."""
    folder.mkdir(parents=True, exist_ok=True)
    random, paths = np.random.default_rng(0), []
    for number in range(count):
        small = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
        paths.append(folder / f"{number:04d}.png")
        small.resize((side, side), Image.Resampling.BICUBIC).save(paths[-1])
    return paths
