"""A tiny SDXL of the true architecture with random weights, and a dataset of colours: for tests only."""

import hashlib
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer


def tokenizer() -> CLIPTokenizer:
    """Bytes and nothing else."""
    letters = [
        *map(chr, range(33, 127)),
        *map(chr, range(161, 173)),
        *map(chr, range(174, 256)),
        *map(chr, range(256, 324)),
    ]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocab = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=24)


def text_config(hidden: int, vocabulary: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=24,
        projection_dim=hidden,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )


def save_tiny_sdxl(folder: Path, prediction_type: str = "v_prediction") -> Path:
    """Write a random SDXL of about 100,000 parameters whose VAE halves the sides twice."""
    torch.manual_seed(0)
    words = tokenizer()
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1),
        attention_head_dim=(1, 2),
        cross_attention_dim=40,
        norm_num_groups=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=False,
        scaling_factor=0.5,
    )
    pipeline = StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text_config(16, len(words))),
        text_encoder_2=CLIPTextModelWithProjection(text_config(24, len(words))),
        tokenizer=words,
        tokenizer_2=words,
        unet=unet,
        scheduler=DDIMScheduler(
            prediction_type=prediction_type, rescale_betas_zero_snr=prediction_type == "v_prediction"
        ),
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def save_dataset(folder: Path, frames: int = 6, held_out: int = 2) -> dict[str, Path]:
    """Write manifest, images and masks of frames that differ in colour, in two buckets."""
    rows = []
    for number in range(frames):
        name = hashlib.sha256(str(number).encode()).hexdigest()[:16]
        size = (32, 32) if number % 3 else (48, 24)
        picture, mask = folder / "images" / f"{name}.png", folder / "masks" / f"{name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (40 * number, 200 - 30 * number, 90)).save(picture)
        white = Image.new("L", size, 0)
        white.paste(255, (8, 8, 20, 20))
        white.save(mask)
        caption = f"mimi toy {number}"
        rows.append(
            {
                "frame": name,
                "photo": name,
                "split": "held_out" if number >= frames - held_out else "train",
                "width": size[0],
                "height": size[1],
                "caption": caption,
                "picture_sha256": hashlib.sha256(picture.read_bytes()).hexdigest(),
                "mask_sha256": hashlib.sha256(mask.read_bytes()).hexdigest(),
                "caption_sha256": hashlib.sha256(caption.encode()).hexdigest(),
            }
        )
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"frames": sorted(rows, key=lambda row: row["frame"])}))
    return {"manifest": manifest, "images": folder / "images", "masks": folder / "masks"}
