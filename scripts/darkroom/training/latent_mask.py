"""The mask of a subject at the size of latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MARGIN_CELLS = 1


def latent_mask(mask: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A mask (pixels high, pixels wide) in [0, 1] as cells (height, width): the share of each cell that is subject.

    Grown by one cell, because a latent cell also decides pixels beside its own. ValueError where the mask is not a
    whole multiple of the cells.
    """
    import torch.nn.functional as F

    if mask.shape[0] % height or mask.shape[1] % width:
        raise ValueError(f"mask of {tuple(mask.shape)} pixels for {height} x {width} cells")
    shares = F.avg_pool2d(mask[None, None], (mask.shape[0] // height, mask.shape[1] // width))
    return F.max_pool2d(shares, 2 * MARGIN_CELLS + 1, stride=1, padding=MARGIN_CELLS)[0, 0]
