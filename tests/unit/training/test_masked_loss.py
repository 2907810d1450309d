"""The masked loss against its formula, and masks at the size of latents."""

import pytest
import torch

from darkroom.training.latent_mask import latent_mask
from darkroom.training.masked_loss import masked_loss, pixel_weights


def test_masked_loss_is_the_weighted_mean_of_each_sample() -> None:
    prediction, target = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5)
    mask = (torch.rand(2, 3, 5) > 0.5).float()
    weights = pixel_weights(mask, 0.1)
    errors = ((prediction - target) ** 2).mean(dim=1)
    expected = torch.stack([(weights[i] * errors[i]).sum() / weights[i].sum() for i in range(2)])
    assert torch.allclose(masked_loss(prediction, target, weights), expected)


def test_small_and_large_subjects_count_the_same() -> None:
    prediction = torch.ones(2, 4, 8, 8, requires_grad=True)
    mask = torch.zeros(2, 8, 8)
    mask[0, :2, :2] = 1
    mask[1, :, :] = 1
    losses = masked_loss(prediction, torch.zeros(2, 4, 8, 8), pixel_weights(mask, 0.1))
    assert torch.allclose(losses, torch.ones(2))


@pytest.mark.parametrize("background", [0.0, 0.1, 0.25, 0.3, 1.0])
@pytest.mark.parametrize("side", [1, 2, 5, 7])
def test_each_cell_weighs_as_the_formula_says(background: float, side: int) -> None:
    """On a subject of any size the gradient of a cell is its weight over the sum of the weights."""
    prediction = torch.ones(1, 1, 8, 8, requires_grad=True)
    mask = torch.zeros(1, 8, 8)
    mask[0, :side, :side] = 1
    masked_loss(prediction, torch.zeros(1, 1, 8, 8), pixel_weights(mask, background)).sum().backward()
    assert prediction.grad is not None
    on, off = prediction.grad[0, 0, 0, 0], prediction.grad[0, 0, 7, 7]
    assert torch.equal(off, torch.tensor(background) * on)
    assert float(on) == pytest.approx(2 / (side**2 + background * (64 - side**2)))


def test_soft_edges_weigh_in_between_and_whole_cells_exactly() -> None:
    weights = pixel_weights(torch.tensor([[0.0, 0.25, 0.5, 1.0]]), 0.1)
    assert weights.tolist()[0][1:3] == pytest.approx([0.325, 0.55])
    assert weights[0, 0] == torch.tensor(0.1) and weights[0, 3] == 1.0


def test_without_background_weight_the_outside_has_no_gradient() -> None:
    prediction = torch.ones(1, 1, 4, 4, requires_grad=True)
    mask = torch.zeros(1, 4, 4)
    mask[0, 0, 0] = 1
    masked_loss(prediction, torch.zeros(1, 1, 4, 4), pixel_weights(mask, 0.0)).sum().backward()
    assert prediction.grad is not None
    assert prediction.grad[0, 0, 0, 0] > 0
    assert int((prediction.grad != 0).sum()) == 1


def test_latent_mask_is_the_share_of_each_cell_grown_by_one() -> None:
    mask = torch.zeros(32, 48)
    mask[16:24, 16:20] = 1
    cells = latent_mask(mask, 4, 6)
    assert cells.shape == (4, 6)
    assert torch.equal(cells[1:4, 1:4], torch.full((3, 3), 0.5))
    assert float(cells.sum()) == pytest.approx(4.5)


def test_latent_mask_refuses_sizes_that_do_not_fit() -> None:
    with pytest.raises(ValueError):
        latent_mask(torch.zeros(30, 30), 4, 4)
