"""Which pictures an evaluation looks at: prompts and control prompts, each with its seeds, the same for every step."""

from dataclasses import dataclass

from darkroom.config.captions import SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.training.rendering import Picture


@dataclass(frozen=True)
class PlannedSample:
    """A picture of the plan: the number of its prompt, whether it is a control, and how it is rendered."""

    number: int
    control: bool
    picture: Picture


def full_prompt(prompt: str, subject: SubjectSettings) -> str:
    """A prompt with {subject} as trigger and class, and {class} as the class."""
    named = prompt.replace("{subject}", f"{subject.trigger} {subject.subject_class}")
    return named.replace("{class}", subject.subject_class)


def plan_samples(
    settings: EvaluationSettings, subject: SubjectSettings, drawing: RenderSettings, side: int
) -> list[PlannedSample]:
    """The pictures of one checkpoint and strength: prompts first, then controls; the same seeds for all."""
    prompts = [(prompt, False) for prompt in settings.prompts] + [(prompt, True) for prompt in settings.control_prompts]
    plan = []
    for number, (prompt, control) in enumerate(prompts, start=1):
        for repeat in range(settings.pictures):
            picture = Picture(
                prompt=full_prompt(prompt, subject),
                seed=settings.seed + repeat,
                width=side,
                height=side,
                sampling_steps=drawing.sampling_steps,
                guidance=drawing.guidance,
            )
            plan.append(PlannedSample(number, control, picture))
    return plan


def sample_file(step: int, strength: float, sample: PlannedSample) -> str:
    """The name of a picture's file, which sorts by step, strength, prompt and seed."""
    return f"step-{step:06d}_strength-{strength:.2f}_prompt-{sample.number:02d}_seed-{sample.picture.seed}.png"
