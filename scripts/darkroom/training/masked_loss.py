"""The loss of a sample, weighed by the mask of its subject."""

import torch


def pixel_weights(mask: torch.Tensor, background: float) -> torch.Tensor:
    """The weight of each latent cell, background + (1 - background) mask: exactly 1 on it and `background` off it."""
    return torch.lerp(torch.tensor(background), torch.tensor(1.0), mask)


def masked_loss(prediction: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The squared error of each sample (count), as the weighted mean over its cells.

    `prediction` and `target` are (count, channels, height, width), `weights` (count, height, width). The sum of
    w * error is divided by the sum of w of the same sample, so a small subject counts as much as a large one.
    """
    errors = (prediction.float() - target.float()).square().mean(dim=1)
    return (weights * errors).sum(dim=(1, 2)) / weights.sum(dim=(1, 2))
