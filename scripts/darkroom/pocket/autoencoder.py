"""Trains the pocket SDXL's autoencoder: 64 px pictures to 16 x 16 x 4 latents and back."""

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from darkroom.pocket.training_loop import Modules, generator, train_steps
from darkroom.pocket.world_files import load_split

BATCH, CROP = 16, 32
CROPPED = 0.75  # share of the steps that see crops; whole pictures, half as many, at the end
KL_WEIGHT = 1e-4


def new_autoencoder() -> AutoencoderKL:
    """SDXL's architecture with two halvings (f4), 16 to 64 channels and no attention."""
    torch.manual_seed(0)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 32, 64),
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=4,
        sample_size=64,
        mid_block_add_attention=False,
        force_upcast=False,
    )


def reconstruction_loss(made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """L1 on pixels, on their differences (edges, eyes) and on 4 x 4 means (hue); pictures (B, 3, H, W) in -1..1."""
    edges = sum((made.diff(dim=axis) - true.diff(dim=axis)).abs().mean() for axis in (2, 3))
    means = (F.avg_pool2d(made, 4) - F.avg_pool2d(true, 4)).abs().mean()
    return (made - true).abs().mean() + 0.5 * edges + 0.5 * means + 2 * F.mse_loss(made, true)


def batch_at(fraction: float) -> int:
    """How many crops, and at the end how many whole pictures, a step sees at this fraction of the training."""
    return BATCH if fraction < CROPPED else BATCH // 2


def crop_corners(boxes: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Top left corners (B, 2) as y, x of crops that mostly show the toy, where detail is hard."""
    place = torch.rand(len(boxes), 2, generator=draw)
    anywhere = torch.rand(len(boxes), 1, generator=draw) < 0.3
    y = boxes[:, 1] + place[:, 0] * (boxes[:, 3] - boxes[:, 1])
    x = boxes[:, 0] + place[:, 1] * (boxes[:, 2] - boxes[:, 0])
    centres = torch.where(anywhere, place * 64, torch.stack([y, x], 1))
    return (centres - CROP / 2).clamp(0, 64 - CROP).long()


def train_autoencoder(work: Path, steps: int) -> AutoencoderKL:
    """The trained autoencoder, its scaling_factor set to one over the spread of its latents."""
    splits = [load_split(name, work)[1:] for name in ("square", "painted")]
    pictures, boxes = (torch.cat(parts) for parts in zip(*splits, strict=True))
    pictures = pictures.permute(0, 3, 1, 2).contiguous()
    model = new_autoencoder().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss_of(step: int, fraction: float) -> torch.Tensor:
        draw = generator("autoencoder", step)
        # Crops are four times as cheap; whole pictures at the end because group norms see the whole picture.
        crops = fraction < CROPPED
        chosen = torch.randint(len(pictures), (batch_at(fraction),), generator=draw)
        true = pictures[chosen]
        if crops:
            corners = crop_corners(boxes[chosen], draw).tolist()
            true = torch.stack([p[:, y : y + CROP, x : x + CROP] for p, (y, x) in zip(true, corners, strict=True)])
        true = (true.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        posterior = model.encode(true).latent_dist
        latents = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=draw)
        made = model.decode(latents).sample
        return reconstruction_loss(made, true) + KL_WEIGHT * posterior.kl().mean() / latents[0].numel()

    modules: Modules = {"autoencoder": model}
    train_steps(steps, "autoencoder", modules, loss_of, work, 3e-3, batch_at, average_over=200)
    with torch.no_grad():
        some = torch.stack([pictures[i] for i in range(0, 10_000, 40)]).float() / 127.5 - 1
        spread = model.eval().encode(some).latent_dist.mean.std().item()
    model.register_to_config(scaling_factor=round(1 / spread, 4))
    return model
