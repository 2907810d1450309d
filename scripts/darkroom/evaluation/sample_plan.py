"""Which pictures an evaluation looks at: prompts and control prompts, each with its seeds, the same for every step."""

from dataclasses import dataclass

from darkroom.config.captions import SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.contracts.trigger import replace_trigger
from darkroom.training.rendering import Picture


@dataclass(frozen=True)
class PlannedSample:
    """A picture of the plan: the number of its prompt, whether it is a control, and how it is rendered.

    `plain_prompt` is its prompt as CLIP can know it: the class in place of trigger and class.
    """

    number: int
    control: bool
    plain_prompt: str
    picture: Picture


def full_prompt(prompt: str, subject: SubjectSettings) -> str:
    """A prompt with {subject} as trigger and class, and {class} as the class."""
    named = prompt.replace("{subject}", subject.phrase)
    return named.replace("{class}", subject.subject_class)


def plain_prompt(prompt: str, subject: SubjectSettings) -> str:
    """A prompt with {subject} and {class} as the class, and so a trigger that is written out."""
    named = prompt.replace("{subject}", subject.subject_class).replace("{class}", subject.subject_class)
    for written in (subject.phrase, subject.trigger):
        named = replace_trigger(named, written, subject.subject_class)
    return named


def plan_samples(
    settings: EvaluationSettings, subject: SubjectSettings, render_settings: RenderSettings, image_size: int
) -> list[PlannedSample]:
    """The pictures of one checkpoint and strength: prompts first, then controls; the same seeds for all."""
    prompts = [(prompt, False) for prompt in settings.prompts] + [(prompt, True) for prompt in settings.control_prompts]
    plan = []
    for number, (prompt, control) in enumerate(prompts, start=1):
        for repeat in range(settings.pictures):
            picture = Picture(
                prompt=full_prompt(prompt, subject),
                seed=settings.seed + repeat,
                width=image_size,
                height=image_size,
                sampling_steps=render_settings.sampling_steps,
                guidance=render_settings.guidance,
            )
            plan.append(PlannedSample(number, control, plain_prompt(prompt, subject), picture))
    return plan


def sample_file(step: int, strength: float, sample: PlannedSample) -> str:
    """The name of a picture's file, which sorts by step, strength, prompt and seed."""
    return f"step-{step:06d}_strength-{strength:.2f}_prompt-{sample.number:02d}_seed-{sample.picture.seed}.png"
