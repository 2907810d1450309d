"""How the pocket models are trained: exact resume, and what the loss looks at."""

import random
from pathlib import Path

import pytest
import torch
from torch import nn

from darkroom.errors import UserError
from darkroom.pocket import training_loop
from darkroom.pocket.autoencoder import batch_at
from darkroom.pocket.cards import clip_card, with_figures_of
from darkroom.pocket.sdxl import TOY_SHARE, TOY_WEIGHT, toy_weights
from darkroom.pocket.training_loop import generator, train_steps
from darkroom.pocket.world import (
    SUBJECT,
    contrast_caption,
    full_name,
    parse_caption,
    sample_painted,
    sample_scene,
    sample_two_toned,
)


def train(work: Path, steps: int, stop_at: int | None = None) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)

    def loss_of(step: int, fraction: float) -> torch.Tensor:
        if step == stop_at:
            raise KeyboardInterrupt
        values = torch.randn(8, 4, generator=generator("test", step))
        return (model(values) - values.sum(1, keepdim=True)).square().mean()

    train_steps(steps, "test", {"model": model}, loss_of, work, 0.05, 8, average_over=5)
    return model.weight.detach().clone()


def test_a_stopped_training_ends_with_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "SAVE_EVERY", 0.0)
    whole = train(tmp_path / "whole", 60)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", 60, stop_at=23)
    assert torch.equal(train(tmp_path / "stopped", 60), whole)
    assert torch.equal(train(tmp_path / "stopped", 60), whole), "a run that is over only loads"


def test_far_toys_weigh_as_much_as_the_rest() -> None:
    boxes = torch.tensor([[0.0, 0.0, 32.0, 64.0], [24.0, 24.0, 40.0, 40.0], [28.0, 28.0, 32.0, 32.0]])
    weights = toy_weights(boxes, 64, 64)
    assert weights.shape == (6, 16, 16)
    assert torch.equal(weights[0], torch.ones(16, 16)), "half of the picture needs no more weight"
    assert weights[1].max() == TOY_WEIGHT and (weights[1] > 1).sum() == 16
    assert weights[2].max() == TOY_WEIGHT and (weights[2] > 1).sum() == 1
    assert weights.max() <= TOY_WEIGHT and TOY_SHARE < 1
    assert torch.equal(weights[4], weights[1].flip(-1))


def test_two_tone_toys_are_never_the_subject() -> None:
    scenes = [sample_two_toned(seed) for seed in range(500)]
    assert all(scene.accent and scene.accent != scene.colour for scene in scenes)
    assert not any((scene.colour, scene.accent) == (SUBJECT["colour"], SUBJECT["accent"]) for scene in scenes)
    assert len({scene.accent for scene in scenes}) == 9


def test_contrast_captions_name_both_colours() -> None:
    scene = sample_two_toned(3)
    said = {contrast_caption(scene, random.Random(seed)) for seed in range(200)}
    assert any(full_name(scene) in text for text in said)
    assert any(f"{scene.colour} and {scene.accent} toy" in text for text in said)
    whole = [text for text in said if scene.floor in text and f"{scene.wall} wall" in text]
    assert all(parse_caption(text)["floor"] == scene.floor for text in whole)


def test_free_hues_come_with_patterns_and_stay_out_of_the_world() -> None:
    assert {sample_painted(seed).pattern for seed in range(60)} == {None, "stripes", "dots", "checks"}
    assert all(sample_scene(seed).pattern is None and sample_scene(seed).paints is None for seed in range(60))


def test_another_plan_is_refused(tmp_path: Path) -> None:
    train(tmp_path, 30)
    with pytest.raises(UserError, match="a training of 30 steps, not of 60"):
        train(tmp_path, 60)


def test_new_figures_leave_the_history_of_a_card() -> None:
    old = clip_card({"clip": {"steps": 3, "samples": 6, "minutes": 1.0}}, {"likeness": "0.1"})
    new = with_figures_of(clip_card({}, {"likeness": "0.2"}), old)
    assert new == old.replace("0.1", "0.2") != old


def test_whole_pictures_at_the_end_are_half_as_many() -> None:
    assert sum(batch_at(step / 8) for step in range(8)) == 6 * 16 + 2 * 8
