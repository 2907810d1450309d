"""Scores, choice and grid, without any model."""

from pathlib import Path

import pytest
from PIL import Image

from darkroom.captions.settings import SubjectSettings
from darkroom.errors import UserError
from darkroom.evaluation.checkpoint_choice import choose_checkpoint
from darkroom.evaluation.checkpoints import BASE, Variant, variants
from darkroom.evaluation.likeness import Likeness
from darkroom.evaluation.prompt_following import share_found, words
from darkroom.evaluation.sample_grid import draw_grid
from darkroom.evaluation.sample_plan import plan_samples, sample_file
from darkroom.evaluation.scores import score_rows
from darkroom.evaluation.settings import EvaluationSettings, RenderSettings

SUBJECT = SubjectSettings.model_validate({"trigger": "mimi_toy", "class": "toy", "kind": "object"})
EVALUATION = EvaluationSettings(
    prompts=["{subject} on grass", "{subject}"], control_prompts=["a red robot, no {class}"], pictures=2, seed=5
)


def score(step: int, likeness: float, prompts: float = 1.0, **more: str) -> dict[str, str]:
    row = {
        "step": str(step),
        "strength": "1" if step else "0",
        "likeness": str(likeness),
        "likeness_se": "0.02",
        "prompt_following": str(prompts),
        "prompt_following_se": "0.05",
        "control_following": "",
        "control_following_se": "",
        "prior_rise": "0.1",
        "frames": "5",
        "split": "held_out",
    }
    return row | more


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


def test_words_of_a_prompt_without_those_of_the_subject() -> None:
    assert words("A photo of the Robots, on grass!") == {"robot", "grass"}
    assert share_found(
        "mimi_toy toy on grass, in warm light", "mimi_toy toy", "a toy on grass in dim light"
    ) == pytest.approx(2 / 3)
    assert share_found("mimi_toy toy", "mimi_toy toy", "a toy") is None


def test_scores_join_likeness_and_descriptions() -> None:
    variant = Variant(100, 1.0, Path("step-000100.safetensors"))
    likeness = {BASE: Likeness(0.0, 0.0, 5, "held_out", 0.0), variant: Likeness(0.3, 0.01, 5, "held_out", 0.1)}
    samples = [
        {"step": step, "strength": strength, "prompt": prompt, "control": control, "sha256": sha256}
        for step, strength, prompt, control, sha256 in (
            ("0", "0", "mimi_toy toy on grass", "false", "a"),
            ("100", "1", "mimi_toy toy on grass", "false", "b"),
            ("100", "1", "a red robot", "true", "c"),
        )
    ]
    descriptions = {"a": "sand", "b": "a toy on grass", "c": "a red duck"}
    base, row = score_rows(likeness, samples, descriptions, "mimi_toy toy")
    assert (base["step"], base["prompt_following"], base["control_following"]) == (0, 0.0, None)
    assert (row["likeness"], row["prompt_following"], row["control_following"]) == (0.3, 1.0, 0.5)


def test_choice_prefers_the_earliest_within_one_standard_error() -> None:
    scores = [score(0, 0.0), score(100, 0.2), score(200, 0.39), score(300, 0.40)]
    choice = choose_checkpoint(scores)
    assert (choice["step"], choice["strength"]) == (200, 1.0)
    assert "within one standard error of the best (0.40 at step 300)" in choice["reason"]


def test_choice_leaves_out_what_follows_prompts_less_well() -> None:
    scores = [score(0, 0.0), score(100, 0.2), score(200, 0.39, prompts=0.5), score(300, 0.50, prompts=0.4)]
    choice = choose_checkpoint(scores)
    assert choice["step"] == 100 and "2 left out" in choice["reason"]
    controls = {"control_following": "0.2", "control_following_se": "0.05"}
    base = score(0, 0.0, control_following="0.9", control_following_se="0.05")
    assert (
        choose_checkpoint(
            [base, score(100, 0.2, **{**controls, "control_following": "0.9"}), score(200, 0.4, **controls)]
        )["step"]
        == 100
    )


def test_choice_takes_the_best_where_none_obeys() -> None:
    choice = choose_checkpoint([score(0, 0.0), score(100, 0.2, prompts=0.1), score(200, 0.4, prompts=0.1)])
    assert choice["step"] == 200 and "every checkpoint follows prompts less well" in choice["reason"]


def test_choice_without_prompts_that_count() -> None:
    nothing = {"prompt_following": "", "prompt_following_se": ""}
    assert choose_checkpoint([score(0, 0.0, **nothing), score(100, 0.2, **nothing)])["step"] == 100
    with pytest.raises(UserError, match="no base model or no checkpoint"):
        choose_checkpoint([score(0, 0.0)])


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
    grid = draw_grid(samples, [score(0, 0.0), score(100, 0.3)], choice, tmp_path, [photo] * 5)
    colours = {colour for _, colour in grid.getcolors(maxcolors=1 << 20) or []}
    assert {(0, 100, 0), (0, 200, 0), (200, 100, 0), (200, 200, 0), (1, 2, 3)} <= colours
    assert grid.width > 2 * 144 and grid.height > 3 * 144
