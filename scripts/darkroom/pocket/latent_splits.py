"""Splits of the world as latents, encoded once: what the pocket SDXL and the pocket FLUX learn from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save

from darkroom.pocket.training_loop import save_checkpoint
from darkroom.pocket.world import Scene
from darkroom.pocket.world_files import RENDERED_SPLITS, load_split
from darkroom.storage.files import sha256_bytes

BUCKETS = ("square", "square", "square", "wide", "tall")  # how often each split is drawn


@dataclass
class Bucket:
    """The pictures of one size as latents, plain and mirrored, with the scenes that caption them."""

    scenes: list[Scene]
    boxes: torch.Tensor  # (N, 4) in pixels
    latents: torch.Tensor  # (2 * N, 4, H / 4, W / 4), already times scaling_factor; the second half is mirrored
    width: int
    height: int

    def scene(self, place: int) -> Scene:
        """The scene of a picture, plain or mirrored."""
        return self.scenes[place % len(self.scenes)]


def fingerprint(module: torch.nn.Module) -> str:
    """The first digits of a sha256 over the weights of a module."""
    weights = {name: weight.contiguous() for name, weight in module.state_dict().items()}
    return sha256_bytes(save(weights))[:16]


@torch.no_grad()
def load_bucket(name: str, autoencoder: AutoencoderKL, work: Path) -> Bucket:
    """Encode a split once; the latents stay in `work/latents`, under a name that tells the autoencoder."""
    path = work / "latents" / f"{name}-{fingerprint(autoencoder)}.pt"
    scenes, pictures, boxes = load_split(name, work)
    split = RENDERED_SPLITS[name]
    if not path.exists():
        parts = []
        for mirrored in (False, True):
            for some in pictures.split(100):
                values = some.permute(0, 3, 1, 2).float() / 127.5 - 1
                values = values.flip(-1) if mirrored else values
                parts.append(autoencoder.encode(values).latent_dist.mean)
        save_checkpoint(path, {"latents": torch.cat(parts) * autoencoder.config.scaling_factor})
        print(f"latents: {name} encoded", flush=True)
    latents = torch.load(path, weights_only=True)["latents"]
    return Bucket(scenes, boxes, latents, split.width, split.height)


def load_buckets(autoencoder: AutoencoderKL, work: Path) -> dict[str, Bucket]:
    """The splits of all sizes."""
    return {name: load_bucket(name, autoencoder, work) for name in dict.fromkeys(BUCKETS)}


def strata(count: int, draw: torch.Generator) -> torch.Tensor:
    """One share (count,) in [0, 1) from each of as many equal strata: less noise in a loss than independent draws."""
    return (torch.arange(count) + torch.rand(count, generator=draw)) / count
