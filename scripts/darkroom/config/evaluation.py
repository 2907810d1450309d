"""Settings of the evaluation room."""

from itertools import pairwise

from pydantic import Field, field_validator

from darkroom.config.base import Settings, check_prompts


class RenderSettings(Settings):
    """How evaluation pictures are rendered; part of a target."""

    sampling_steps: int = Field(30, ge=1, description="denoising steps of a picture; 28 for flux")
    guidance: float = Field(5.0, ge=0, description="guidance scale; 7.5 for sd15, 3.5 for flux")


class EvaluationSettings(Settings):
    """What is rendered and how it is scored."""

    clip: str = Field(
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", description="a model of open_clip: a folder or an id of the Hub"
    )
    clip_revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    prompts: list[str] = Field(
        ["{subject}", "{subject} on a beach", "{subject} in the snow", "{subject}, seen from far away"],
        min_length=1,
        description="{subject} becomes trigger and class",
    )
    control_prompts: list[str] = Field(
        [], description="prompts without the subject, to see what else the LoRA changes; {class} is the class"
    )
    strengths: list[float] = Field([1.0], min_length=1, description="LoRA strengths that are rendered")
    pictures: int = Field(4, ge=1, description="pictures per prompt, each with its own seed; the grid shows the first")
    seed: int = Field(0, description="seed of the first picture of each prompt")

    @field_validator("prompts", "control_prompts")
    @classmethod
    def _prompts_can_be_used(cls, prompts: list[str]) -> list[str]:
        """Each prompt has the same seeds: given twice, its pictures would count twice and make errors look small."""
        check_prompts(prompts, "subject", "class")
        for number, prompt in enumerate(prompts):
            if prompt in prompts[:number]:
                raise ValueError(f"the prompt {prompt!r} is given twice, for the same pictures; remove one")
        return prompts

    @field_validator("strengths")
    @classmethod
    def _strengths_differ(cls, strengths: list[float]) -> list[float]:
        """Files are named by two decimals."""
        for first, second in pairwise(sorted(strengths)):
            if f"{first:.2f}" == f"{second:.2f}":
                raise ValueError(f"{first:g} and {second:g} are the same to two decimals; remove one")
        return strengths
