"""Trains the pocket CLIP, an open_clip model: pictures of the world and their captions on one sphere."""

import random
from pathlib import Path
from typing import Any

import torch
from open_clip import CLIP, ClipLoss

from darkroom.pocket.captioner import MEAN, SIDE, STD, varied
from darkroom.pocket.training_loop import generator, train_steps
from darkroom.pocket.vocabulary import CLIP_LENGTH, clip_tokenizer
from darkroom.pocket.world import contrast_caption
from darkroom.pocket.world_files import load_split

BATCH = 128
RENDERED_SPLITS = ("squeezed", "square", "two-toned")


def model_config() -> dict[str, Any]:
    """open_clip's description of the model: a ResNet for 64 px pictures and a text transformer of two layers."""
    return {
        "embed_dim": 96,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
        "text_cfg": {
            "context_length": CLIP_LENGTH,
            "vocab_size": len(clip_tokenizer()),
            "hf_tokenizer_name": "pocket",  # any name: open_clip takes the tokenizer that lies beside the config
            "width": 64,
            "heads": 2,
            "layers": 2,
        },
    }


def preprocess_config() -> dict[str, Any]:
    """How open_clip is to prepare pictures: any picture is squeezed to the square."""
    return {"size": SIDE, "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"}


def new_clip() -> CLIP:
    """An untrained model of `model_config`, about 1.5 million weights."""
    torch.manual_seed(0)
    return CLIP(**model_config()).to(memory_format=torch.channels_last)


def train_clip(work: Path, steps: int) -> CLIP:
    """The trained model: picture and caption of a scene are drawn together, those of other scenes apart."""
    splits = [load_split(name, work) for name in RENDERED_SPLITS]
    scenes = [scene for split in splits for scene in split[0]]
    pictures = torch.cat([split[1] for split in splits])
    boxes = torch.cat([split[2] for split in splits])
    tokenizer, model, contrast = clip_tokenizer(), new_clip(), ClipLoss()

    def loss_of(step: int, fraction: float) -> torch.Tensor:
        draw, choose = generator("clip", step), random.Random(f"clip {step}")
        chosen = torch.randint(len(scenes), (BATCH,), generator=draw)
        pixels, _ = varied(pictures[chosen], boxes[chosen], draw)
        captions = [contrast_caption(scenes[i], choose) for i in chosen.tolist()]
        tokens = tokenizer(
            captions, padding="max_length", max_length=CLIP_LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
        seen, read, scale = model(pixels, tokens)[:3]
        loss: torch.Tensor = contrast(seen, read, scale.clamp(max=100))
        return loss

    train_steps(steps, "clip", {"clip": model}, loss_of, work, 1e-3, BATCH)
    return model.eval()
