"""Encode pictures, masks and captions of a dataset once, each remembered by its content."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from darkroom.families.base import ModelFamily
from darkroom.jobs import device
from darkroom.jobs.progress import progress
from darkroom.storage.cache import Cache, cache_key
from darkroom.training import latent_mask as masks_of_latents
from darkroom.training.encodings import Tensors, cached_tensors
from darkroom.training.latent_mask import latent_mask

if TYPE_CHECKING:
    import torch
# What decides an encoding beside the modules of its family: for `code_version`.
MODULES = (device, masks_of_latents, sys.modules[__name__])


@dataclass(frozen=True)
class Encoder:
    """A model to encode with: its family and folder, and what every cache key of it holds."""

    family: ModelFamily
    model: Path
    load_device: Callable[[], torch.device]
    key: dict[str, Any]
    cache: Cache


def picture_tensor(path: Path, mirrored: bool = False) -> torch.Tensor:
    """A picture (3, height, width) in [-1, 1]."""
    import torch

    with Image.open(path) as file:
        picture = ImageOps.mirror(file.convert("RGB")) if mirrored else file.convert("RGB")
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 127.5 - 1


def encode_pictures(encoder: Encoder, pictures: dict[str, tuple[Path, str, bool]]) -> tuple[dict[str, Path], int]:
    """The latents of pictures, given as (path, sha256 of the file, mirrored) by name, one at a time.

    Returns the files by name and the number computed.
    """

    def compute(missing: list[str]) -> Iterator[tuple[str, Tensors]]:
        vae = encoder.family.load_vae(encoder.model, encoder.load_device())
        for name in progress(missing, "encode pictures", "pictures"):
            path, _, mirrored = pictures[name]
            yield name, {"latents": encoder.family.encode_picture(vae, picture_tensor(path, mirrored))}

    keys = {
        name: cache_key(**encoder.key, stage="latents", picture=sha256, mirrored=mirrored)
        for name, (_, sha256, mirrored) in pictures.items()
    }
    return cached_tensors(encoder.cache, keys, compute)


def encode_masks(encoder: Encoder, masks: dict[str, tuple[Path, str, tuple[int, int]]]) -> tuple[dict[str, Path], int]:
    """Masks at the size of latents, given as (path, sha256 of the file, (height, width) in cells) by name."""

    def compute(missing: list[str]) -> Iterator[tuple[str, Tensors]]:
        import torch

        for name in missing:
            path, _, (height, width) = masks[name]
            with Image.open(path) as file:
                pixels = torch.from_numpy(np.array(file.convert("L"))).float() / 255
            yield name, {"mask": latent_mask(pixels, height, width).contiguous()}

    keys = {
        name: cache_key(**encoder.key, stage="mask", mask=sha256, cells=list(cells))
        for name, (_, sha256, cells) in masks.items()
    }
    return cached_tensors(encoder.cache, keys, compute)


def encode_texts(encoder: Encoder, texts: set[str], tokens: bool = False) -> tuple[dict[str, Path], int]:
    """What the denoiser is conditioned on for each text, one at a time, by the text itself.

    With `tokens` also what the text encoders read, for a training that encodes anew.
    """

    def compute(missing: list[str]) -> Iterator[tuple[str, Tensors]]:
        encoders = encoder.family.load_text_encoders(encoder.model, encoder.load_device())
        for text in progress(missing, "encode captions", "captions"):
            read = encoder.family.tokenize(encoders, text) if tokens else {}
            yield text, encoder.family.encode_text(encoders, text) | read

    stage = "text and tokens" if tokens else "text"
    keys = {text: cache_key(**encoder.key, stage=stage, text=text) for text in texts}
    return cached_tensors(encoder.cache, keys, compute)
