"""Pictures to latents, by the VAE that every family has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.errors import UserError
from darkroom.families import model_folder
from darkroom.storage.files import read_json

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL
    from torch import Tensor


def check_vae(model: Path) -> None:
    """Raise UserError, one line, where a VAE's latents want more than a scale and a shift, as Playground v2.5's do."""
    config = model / "vae" / "config.json"
    if config.exists() and read_json(config).get("latents_mean") is not None:
        raise UserError(
            f"{config}: its latents have a mean of their own (latents_mean), as those of EDM models have, which "
            "Darkroom does not train; give another model"
        )


def load_vae(family: str, model: Path, device: torch.device) -> AutoencoderKL:
    """The VAE in fp32: those of SDXL and FLUX overflow in fp16 (`force_upcast`)."""
    import torch
    from diffusers import AutoencoderKL

    check_vae(model)
    load = AutoencoderKL.from_pretrained
    vae = model_folder.load_part(family, load, model, "vae", dtype=torch.float32, use_safetensors=True)
    return vae.to(device).eval()


def encode_picture(vae: AutoencoderKL, picture: Tensor) -> Tensor:
    """The latents (channels, height, width) of a picture (3, height, width) in [-1, 1], fp32, on the CPU.

    They are the mean, moved by the VAE's `shift_factor` where it has one (FLUX) and scaled by its `scaling_factor`.
    """
    import torch

    with torch.no_grad():
        mean = vae.encode(picture[None].to(vae.device)).latent_dist.mean[0]
    return ((mean - (vae.config.shift_factor or 0.0)) * vae.config.scaling_factor).cpu().contiguous()
