"""CLIP through open_clip: pictures and texts as points on one sphere, where what is alike lies close."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from safetensors import SafetensorError

from darkroom.errors import UserError, one_line

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Clip:
    """A CLIP model, how it wants pictures prepared, its tokenizer, and where it runs."""

    model: Any
    preprocess: Any
    tokenizer: Any
    device: torch.device


def load_clip(folder: Path, device: torch.device, key: str = "evaluation.clip") -> Clip:
    """Load a folder with open_clip_config.json and open_clip_model.safetensors.

    Raises UserError, with the key of the config that names the folder, where one is missing or does not load.
    """
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        if not (folder / name).is_file():
            raise UserError(f"{key}: {folder} has no {name}; give a model of open_clip with safetensors weights")
    import open_clip

    source = f"local-dir:{folder}"
    try:
        model, preprocess = open_clip.create_model_from_pretrained(source, precision="fp32", device=device)
        tokenizer = open_clip.get_tokenizer(source)
    except (OSError, TypeError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = one_line(error)
        raise UserError(f"{key}: {folder} does not load: {reason}") from None
    return Clip(model.eval(), preprocess, tokenizer, device)


def embed_picture(clip: Clip, picture: Image.Image) -> list[float]:
    """The unit vector of one RGB picture."""
    import torch

    with torch.inference_mode():
        pixels = clip.preprocess(picture)[None].to(clip.device)
        return _floats(clip.model.encode_image(pixels, normalize=True))


def embed_text(clip: Clip, text: str) -> list[float]:
    """The unit vector of one text; what is longer than the model reads is cut off."""
    import torch

    with torch.inference_mode():
        return _floats(clip.model.encode_text(clip.tokenizer([text]).to(clip.device), normalize=True))


def _floats(vectors: torch.Tensor) -> list[float]:
    return [float(value) for value in vectors[0].float().cpu()]
