"""Scores, choice and grid, without any model."""

from pathlib import Path

import pytest
from PIL import Image

from darkroom.captions.settings import SubjectSettings
from darkroom.errors import UserError
from darkroom.evaluation.checkpoint_choice import choose_checkpoint
from darkroom.evaluation.checkpoints import BASE, Variant, variants
from darkroom.evaluation.loss_change import LossChange
from darkroom.evaluation.picture_scores import plain_prompt, score_pictures
from darkroom.evaluation.sample_grid import draw_grid
from darkroom.evaluation.sample_plan import plan_samples, sample_file
from darkroom.evaluation.scores import score_rows
from darkroom.evaluation.settings import EvaluationSettings, RenderSettings

SUBJECT = SubjectSettings.model_validate({"trigger": "mimi_toy", "class": "toy", "kind": "object"})
EVALUATION = EvaluationSettings(
    prompts=["{subject} on grass", "{subject}"], control_prompts=["a red robot, no {class}"], pictures=2, seed=5
)


Rows = list[dict[str, str]]


def evaluated(*steps: tuple[int, float, float, float], noise: float = 0.02) -> tuple[Rows, Rows]:
    """scores.csv and sample_scores.csv for (step, likeness, prompt following, control following)."""
    scores, pictures = [], []
    for step, likeness, following, control in steps:
        about = {"step": str(step), "strength": "1" if step else "0"}
        values = {"likeness": f"{likeness}", "likeness_se": "0.02", "prompt_following": f"{following}"}
        scores.append({**about, **values, "loss_fall": "0.3", "prior_rise": "0.1", "split": "held_out"})
        for seed in range(4):
            shift = noise * (-1) ** (seed // 2) * (1 if step % 200 else -1)
            for number, controls in (("1", "false"), ("2", "true")):
                told = control if controls == "true" else following
                row = {"number": number, "seed": str(seed), "control": controls}
                pictures.append({**about, **row, "likeness": f"{likeness + shift}", "prompt_following": f"{told}"})
    return scores, pictures


def test_plan_holds_prompts_then_controls_with_the_same_seeds() -> None:
    plan = plan_samples(EVALUATION, SUBJECT, RenderSettings(), 64)
    assert [sample.picture.prompt for sample in plan[::2]] == [
        "mimi_toy toy on grass",
        "mimi_toy toy",
        "a red robot, no toy",
    ]
    assert [sample.picture.seed for sample in plan] == [5, 6] * 3
    assert [sample.control for sample in plan] == [False] * 4 + [True] * 2
    assert sample_file(100, 0.5, plan[0]) == "step-000100_strength-0.50_prompt-01_seed-5.png"


def test_variants_are_every_checkpoint_at_every_strength(tmp_path: Path) -> None:
    for step in (200, 100):
        (tmp_path / f"step-{step:06d}.safetensors").write_bytes(b"")
    assert [(variant.step, variant.strength) for variant in variants(tmp_path, [1.0, 0.5])] == [
        (100, 0.5),
        (100, 1.0),
        (200, 0.5),
        (200, 1.0),
    ]
    with pytest.raises(UserError, match="no checkpoint"):
        variants(tmp_path / "empty", [1.0])


def test_clip_is_asked_for_the_class() -> None:
    assert plain_prompt("mimi_toy toy on grass", "mimi_toy", "toy") == "toy on grass"
    assert plain_prompt("a photo of mimi_toy", "mimi_toy", "toy") == "a photo of toy"
    assert plain_prompt("a red robot", "mimi_toy", "toy") == "a red robot"


def test_pictures_are_scored_from_the_middle_of_the_base_model() -> None:
    """All vectors share a large part; without the middle every cosine would be near 1."""
    vectors = {
        "base a": [1.0, 0.1, 0.0],
        "base b": [1.0, -0.1, 0.0],
        "like": [1.0, 0.0, 0.2],
        "unlike": [1.0, 0.2, -0.1],
    }
    samples = [
        {"step": step, "strength": "1", "number": "1", "seed": "0", "control": "false", "prompt": "p", "sha256": name}
        for step, name in (("0", "base a"), ("0", "base b"), ("100", "like"), ("200", "unlike"))
    ]
    rows = score_pictures(samples, vectors, {"p": [1.0, 0.0, 0.0]}, [[1.0, 0.05, 0.3], [1.0, -0.05, 0.3]])
    likeness = [row["likeness"] for row in rows]
    assert likeness[0] == pytest.approx(0.0) and likeness[1] == pytest.approx(0.0)
    assert likeness[2] == pytest.approx(1.0) and likeness[3] < -0.4
    assert rows[0]["prompt_following"] == pytest.approx(1.0)


def test_scores_are_means_over_pictures_and_loss_changes() -> None:
    variant = Variant(100, 1.0, Path("step-000100.safetensors"))
    changes = {
        BASE: LossChange(0.0, 0.0, 0.0, 0.0, 5, "held_out"),
        variant: LossChange(0.3, 0.01, 0.05, 0.1, 5, "held_out"),
    }
    pictures = [
        {"step": step, "strength": strength, "control": control, "likeness": likeness, "prompt_following": following}
        for step, strength, control, likeness, following in (
            ("0", "0.0", "false", 0.1, 0.5),
            ("100", "1.0", "false", 0.6, 0.4),
            ("100", "1.0", "false", 0.8, 0.6),
            ("100", "1.0", "true", 0.2, 0.9),
        )
    ]
    base, row = score_rows(changes, pictures)
    assert (base["step"], base["likeness"], base["control_likeness"]) == (0, 0.1, None)
    assert (row["likeness"], row["likeness_se"]) == (pytest.approx(0.7), pytest.approx(0.1))
    assert (row["prompt_following"], row["control_likeness"], row["control_following"]) == (0.5, 0.2, 0.9)
    assert (row["loss_fall"], row["untriggered_fall"], row["prior_rise"]) == (0.3, 0.05, 0.1)


def test_choice_prefers_the_earliest_within_one_standard_error() -> None:
    choice = choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.39, 1, 1), (300, 0.40, 1, 1)))
    assert (choice["step"], choice["strength"]) == (200, 1.0)
    assert "within one standard error of the best (0.40 at step 300)" in choice["reason"]


def test_choice_compares_picture_by_picture() -> None:
    """Without noise between pictures of the same prompt and seed a small lead is a lead."""
    steps = ((0, 0.0, 1, 1), (100, 0.2, 1, 1), (300, 0.39, 1, 1), (500, 0.40, 1, 1))
    assert choose_checkpoint(*evaluated(*steps))["step"] == 500


def test_choice_leaves_out_what_follows_prompts_less_well() -> None:
    choice = choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.4, 0.5, 1), (300, 0.5, 0.4, 1)))
    assert choice["step"] == 100 and "2 left out" in choice["reason"]
    assert choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.4, 1, 0.5)))["step"] == 100
    assert choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 1, 1), (200, 0.4, 0.92, 1)))["step"] == 200


def test_choice_takes_the_best_where_none_obeys() -> None:
    choice = choose_checkpoint(*evaluated((0, 0.0, 1, 1), (100, 0.2, 0.1, 1), (200, 0.4, 0.1, 1)))
    assert choice["step"] == 200 and "every checkpoint follows prompts less well" in choice["reason"]


def test_choice_needs_a_base_and_a_checkpoint() -> None:
    with pytest.raises(UserError, match="no base model or no checkpoint"):
        choose_checkpoint(*evaluated((0, 0.0, 1, 1)))


def test_grid_has_a_row_per_prompt_and_a_column_per_variant(tmp_path: Path) -> None:
    samples = []
    for step in (0, 100):
        for number, control in ((1, "false"), (2, "true")):
            name = f"{step}-{number}.png"
            Image.new("RGB", (64, 64), (2 * step, 100 * number, 0)).save(tmp_path / name)
            about = {"step": str(step), "strength": "1" if step else "0", "number": str(number), "seed": "0"}
            samples.append({**about, "control": control, "prompt": f"prompt {number}", "file": name, "sha256": ""})
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (1, 2, 3)).save(photo)
    choice = {"step": 100, "strength": 1.0, "reason": "the best"}
    samples += [{**row, "seed": "1", "file": "not drawn.png"} for row in samples]
    scores, _ = evaluated((0, 0.0, 1, 1), (100, 0.3, 1, 1))
    scores = [{**row, "control_following": ""} for row in scores]
    grid = draw_grid(samples, scores, choice, tmp_path, [photo] * 5)
    colours = {colour for _, colour in grid.getcolors(maxcolors=1 << 20) or []}
    assert {(0, 100, 0), (0, 200, 0), (200, 100, 0), (200, 200, 0), (1, 2, 3)} <= colours
    assert grid.width > 2 * 144 and grid.height > 3 * 144
