"""The plan of an evaluation: prompts, controls and seeds."""

import pytest

from darkroom.config.captions import SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.evaluation.sample_plan import plain_prompt, plan_samples, sample_file

SUBJECT = SubjectSettings.model_validate({"trigger": "mimi_toy", "class": "toy", "kind": "object"})


EVALUATION = EvaluationSettings(
    prompts=["{subject} on grass", "{subject}"], control_prompts=["a red robot, no {class}"], pictures=2, seed=5
)


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
    assert [sample.plain_prompt for sample in plan[::2]] == ["toy on grass", "toy", "a red robot, no toy"]


@pytest.mark.parametrize(
    ("trigger", "subject_class", "prompt", "plain"),
    [
        ("ana", "woman", "{subject} eating a banana", "woman eating a banana"),
        ("ana", "woman", "ana woman eating a banana", "woman eating a banana"),
        ("ana", "woman", "a photo of Ana, a {class}", "a photo of woman, a woman"),
        ("mimi_toy", "toy", "a red robot", "a red robot"),
    ],
)
def test_clip_is_asked_for_the_class(trigger: str, subject_class: str, prompt: str, plain: str) -> None:
    subject = SubjectSettings.model_validate({"trigger": trigger, "class": subject_class, "kind": "character"})
    assert plain_prompt(prompt, subject) == plain
