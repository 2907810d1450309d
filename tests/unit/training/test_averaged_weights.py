"""Optimizers, and the averages that checkpoints hold in place of the weights that are trained."""

from typing import Any

import pytest
import torch

from darkroom.config.base import ComputeSettings
from darkroom.config.loading import check
from darkroom.config.training import PriorSettings, TrainingSettings, check_compute
from darkroom.errors import UserError
from darkroom.training.averaged_weights import fresh_average, move_average, weights_to_keep
from darkroom.training.batch_order import prior_samples
from darkroom.training.optimizers import given_rate, learning_rate_at, make_optimizer, rate_estimate, set_learning_rate

OPTIMIZERS = ["adamw", "adamw8bit", "prodigy", "schedulefree", "adafactor"]


def descend(settings: TrainingSettings, steps: int) -> tuple[torch.Tensor, Any]:
    """Take steps towards a goal of ones, from zeros as the B of a LoRA begins."""
    weight = torch.nn.Parameter(torch.zeros(64, 64))
    optimizer = make_optimizer([weight], settings)
    for step in range(1, steps + 1):
        set_learning_rate(optimizer, learning_rate_at(step, settings))
        (weight - 1).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return weight.detach(), optimizer


def effective_rate(optimizer: Any) -> float:
    """The rate that an optimizer moved its weights by: Prodigy's with its estimate."""
    return rate_estimate(optimizer) * given_rate(optimizer)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_weights_of_zero_by_about_its_rate(name: str) -> None:
    rate = 1.0 if name == "prodigy" else 1e-2
    weight, optimizer = descend(TrainingSettings(optimizer=name, learning_rate=rate), 10)
    moved = 10 * effective_rate(optimizer)
    assert 0.1 * moved < float(weight.mean()) < 1.5 * moved


def test_d_coef_raises_the_estimate_of_prodigy() -> None:
    one, two = (
        effective_rate(descend(TrainingSettings(optimizer="prodigy", learning_rate=1.0, d_coef=coefficient), 20)[1])
        for coefficient in (1.0, 2.0)
    )
    assert two > 1.5 * one


def test_schedule_free_warms_up_by_itself() -> None:
    settings = TrainingSettings(optimizer="schedulefree", learning_rate=0.04, warmup_steps=10)
    assert effective_rate(descend(settings, 5)[1]) == pytest.approx(0.02)
    assert effective_rate(descend(settings, 20)[1]) == pytest.approx(0.04)


def test_the_moving_average_is_that_of_its_formula_and_lags_behind() -> None:
    weight = torch.zeros(3)
    average = fresh_average({"a": weight}, 0.5)
    expected = 0.0
    for step in range(1, 21):
        weight += 1
        move_average(average, {"a": weight}, step, 0.5)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average["a"].tolist() == pytest.approx([expected] * 3)
    assert fresh_average({"a": weight}, None) == {}


def test_what_is_kept_is_the_average_and_the_trained_weights_come_back_to_the_bit() -> None:
    settings = TrainingSettings(optimizer="schedulefree", learning_rate=0.09)
    weight = torch.nn.Parameter(torch.randn(5, 7))
    optimizer = make_optimizer([weight], settings)
    for _ in range(5):
        (weight - 1).square().mean().backward()
        optimizer.step()
    trained = weight.detach().clone()
    with weights_to_keep({"a": weight}, {}, optimizer):
        state = optimizer.state[weight]
        assert torch.allclose(trained, 0.9 * weight + 0.1 * state["z"])  # y = beta x + (1 - beta) z
        assert not torch.equal(weight, trained)
    assert torch.equal(weight, trained)
    assert optimizer.param_groups[0]["train_mode"]
    with weights_to_keep({"a": weight}, {"a": torch.ones(5, 7)}, torch.optim.AdamW([weight])):
        assert torch.equal(weight, torch.ones(5, 7))
    assert torch.equal(weight, trained)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer": "schedulefree", "lr_schedule": "cosine"}, "set training.lr_schedule: constant"),
        ({"optimizer": "schedulefree", "ema_decay": 0.99}, "set training.ema_decay: null"),
        ({"optimizer": "adamw", "d_coef": 2.0}, "d_coef is for prodigy only"),
        ({"background_prior": True, "masked_loss": False}, "set training.masked_loss: true"),
        ({"rank": 0}, "'rank': .*greater than or equal to 1"),
        ({"optimizer": "adam"}, "'optimizer'"),
    ],
)
def test_what_does_not_fit_together_is_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check(TrainingSettings, values, "runs.main")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 160


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rates_that_an_optimizer_can_use_are_let_through(optimizer: Any) -> None:
    for rate in (0.1, 1.0) if optimizer == "prodigy" else (1e-6, 0.09):
        assert TrainingSettings(optimizer=optimizer, learning_rate=rate).learning_rate == rate
    assert TrainingSettings(steps=100, warmup_steps=99).warmup_steps == 99


def test_fp16_is_for_gpus() -> None:
    half = TrainingSettings(precision="fp16")
    check_compute(half, PriorSettings(), ComputeSettings(device="gpu"))
    with pytest.raises(UserError, match=r"training\.precision: fp16 .* set training\.precision: bf16 or fp32"):
        check_compute(half, PriorSettings(), ComputeSettings(device="cpu"))


@pytest.mark.parametrize(
    ("batch", "weight", "share", "samples"),
    [(1, 0.0, 1.0, 1), (3, 0.0, 0.5, 3), (1, 1.0, 0.5, 1), (4, 1.0, 0.5, 6), (3, 1.0, 0.5, 4), (2, 1.0, 0.0, 2)],
)
def test_every_process_has_a_sample_of_each_step(batch: int, weight: float, share: float, samples: int) -> None:
    settings, prior = TrainingSettings(batch=batch, prior_share=share), PriorSettings(weight=weight)
    own = prior_samples if weight else (lambda step, batch, share: range(0))
    assert min(batch + len(own(step, batch, share)) for step in range(1, 20)) == samples
    check_compute(settings, prior, ComputeSettings(training_processes=samples))
    with pytest.raises(UserError, match=f"{samples + 1} processes cannot divide .* set it to {samples} or fewer"):
        check_compute(settings, prior, ComputeSettings(training_processes=samples + 1))
