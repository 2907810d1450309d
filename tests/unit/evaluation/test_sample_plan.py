"""The plan of an evaluation: prompts, controls and seeds."""

from darkroom.config.captions import SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.evaluation.sample_plan import plan_samples, sample_file

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
