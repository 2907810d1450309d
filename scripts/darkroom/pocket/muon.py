"""Muon: even steps in all directions of a weight matrix (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

torch.optim.Muon does the same in bfloat16, which processors without such units compute three times as slowly.
"""

from collections.abc import Iterable

import torch
from torch import nn

MOMENTUM = 0.95
# A quintic whose repetition drives all singular values of a matrix into about 0.7 to 1.2, the small ones quickly.
QUINTIC, REPETITIONS = (3.4445, -4.775, 2.0315), 5


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """About U V^T for a matrix (N, M) whose singular value decomposition is U S V^T (Newton-Schulz iteration)."""
    first, third, fifth = QUINTIC
    result = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    result = result / result.norm().clamp(min=1e-7)
    for _ in range(REPETITIONS):
        square = result @ result.T
        result = torch.addmm(result, torch.addmm(square, square, square, beta=third, alpha=fifth), result, beta=first)
    return result.T if matrix.shape[0] > matrix.shape[1] else result


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay, for weights (N, M) of layers inside a model."""

    def __init__(self, weights: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.01) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Step once along the gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - MOMENTUM)
                rows, columns = weight.shape
                size = group["lr"] * max(1, rows / columns) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(orthogonal(weight.grad.lerp(mean, MOMENTUM)), alpha=-size)
