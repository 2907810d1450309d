"""Muon is that of torch, but for the precision it computes in."""

import pytest
import torch

from darkroom.pocket.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(12, 12), (8, 24), (24, 8)])
def test_a_matrix_becomes_about_orthogonal(shape: tuple[int, int]) -> None:
    """Singular values over two orders of magnitude come out near 1, with the same singular vectors."""
    torch.manual_seed(0)
    left, right = (
        torch.linalg.qr(torch.randn(shape[0], min(shape)))[0],
        torch.linalg.qr(torch.randn(shape[1], min(shape)))[0],
    )
    found = orthogonal(left @ torch.logspace(-1.5, 0.5, min(shape)).diag() @ right.T)
    inner = left.T @ found @ right
    assert ((inner.diagonal() > 0.5) & (inner.diagonal() < 1.3)).all()
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-3


def test_ten_steps_are_those_of_torch() -> None:
    torch.manual_seed(0)
    start, wanted = torch.randn(6, 10), torch.randn(6, 10)
    ends = []
    for optimizer in (Muon, torch.optim.Muon):
        weight = torch.nn.Parameter(start.clone())
        steps = optimizer([weight], lr=0.1, weight_decay=0.1)
        for _ in range(10):
            steps.zero_grad()
            ((weight - wanted) ** 3).abs().sum().backward()
            steps.step()
        ends.append(weight.detach())
    moved = (ends[1] - start).abs().mean()
    assert (ends[0] - ends[1]).abs().mean() < 0.03 * moved
