"""Florence-2 as a captioner: pictures in, descriptions out, each independent of its neighbours in a batch.

torch and transformers are imported where they are used: a stage whose captions are all remembered never loads them.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.errors import UserError
from darkroom.models import florence as shared
from darkroom.models.florence import GROUNDING, load_florence, parse_answer

# What decides an answer: for `code_version`.
MODULES = (*shared.MODULES, sys.modules[__name__])
OBJECTS = "<OD>"
# The processor's rule for reading the answers of GROUNDING.
GROUNDING_RULE = "phrase_grounding"
# Room for the words that Florence-2's processor puts before a caption whose phrases are to be found.
QUESTION_TOKENS = 16


@dataclass(frozen=True)
class Captioner:
    """A loaded Florence-2 with its processor and how it is asked."""

    model: Any
    processor: Any
    settings: CaptionerSettings
    positions: int


def load_describe(
    path: Path, settings: CaptionerSettings, compute: ComputeSettings
) -> Callable[[Sequence[Image.Image]], list[dict[str, Any]]]:
    """A function from RGB pictures to `{"text": ...}` of each, with `"found"` where `settings.grounding` is on.

    Raises UserError as `load_captioner`, and where the model cannot find phrases but shall.
    """
    captioner = load_captioner(path, settings, compute)
    if settings.grounding and GROUNDING_RULE not in (captioner.processor.post_processor_config or {}):
        raise UserError(f"captioner.grounding: {path} was not made to find phrases; set `grounding: false`")

    def answers(pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
        texts = describe(captioner, pictures)
        if not settings.grounding:
            return [{"text": text} for text in texts]
        found = find_phrases(captioner, pictures, texts)
        return [{"text": text, "found": phrases} for text, phrases in zip(texts, found, strict=True)]

    return answers


def load_captioner(path: Path, settings: CaptionerSettings, compute: ComputeSettings) -> Captioner:
    """Load the captioner; errors as of `load_florence`."""
    model, processor = load_florence(path, compute, "captioner.model")
    return Captioner(model, processor, settings, model.config.text_config.max_position_embeddings)


def describe(captioner: Captioner, pictures: Sequence[Image.Image]) -> list[str]:
    """The descriptions of at most `settings.batch` RGB pictures, by beam search without sampling.

    What the model's generation config asks for, such as no repeated n-grams, holds.
    """
    task, longest = captioner.settings.task, captioner.settings.max_tokens
    answers = _ask(captioner, pictures, [task] * len(pictures), task, longest)
    return [" ".join(str(text).split()) for text in answers]


def find_phrases(captioner: Captioner, pictures: Sequence[Image.Image], texts: Sequence[str]) -> list[list[str]]:
    """What Florence-2 finds a region for in each picture: phrases of its description, and objects it detects anyway.

    Sorted, each once, in small letters.
    """
    longest = captioner.positions
    prompts = [GROUNDING + text for text in texts]
    grounded = _ask(captioner, pictures, prompts, GROUNDING, longest)
    detected = _ask(captioner, pictures, [OBJECTS] * len(pictures), OBJECTS, longest)
    return [
        sorted({label.strip().lower() for label in (*one["labels"], *other["labels"])} - {""})
        for one, other in zip(grounded, detected, strict=True)
    ]


def _ask(
    captioner: Captioner, pictures: Sequence[Image.Image], prompts: Sequence[str], task: str, longest: int
) -> list[Any]:
    """What Florence-2 answers to a prompt about each picture, as its processor reads it for the task.

    The batch is filled up with copies of its last picture, so that every forward pass has the same shape and an
    answer never depends on how many neighbours a picture has.
    """
    import torch

    size = captioner.settings.batch
    if not 1 <= len(pictures) <= size:
        raise ValueError(f"{len(pictures)} pictures for a batch of {size}")
    # One picture at a time: what the processor makes of a picture must not depend on the others either.
    ready = [_inputs(captioner, *pair) for pair in zip(pictures, prompts, strict=True)]
    ready += [ready[-1]] * (size - len(ready))
    device = captioner.model.device
    with torch.inference_mode():
        answers = captioner.model.generate(
            input_ids=torch.cat([inputs["input_ids"] for inputs in ready]).to(device),
            attention_mask=torch.cat([inputs["attention_mask"] for inputs in ready]).to(device),
            pixel_values=torch.cat([inputs["pixel_values"] for inputs in ready]).to(device, captioner.model.dtype),
            num_beams=captioner.settings.beams,
            do_sample=False,
            max_length=None,
            max_new_tokens=min(longest, captioner.positions - 2),
        )
    return [_parsed(captioner, answer, picture, task) for answer, picture in zip(answers, pictures, strict=False)]


def _inputs(captioner: Captioner, picture: Image.Image, prompt: str) -> Any:
    """Picture and prompt as tensors. Prompts that hold a caption are of every length, so they get one length."""
    processor, padding = captioner.processor, {}
    if prompt.startswith(GROUNDING):
        length = processor.num_image_tokens + captioner.settings.max_tokens + QUESTION_TOKENS
        padding = {"padding": "max_length", "truncation": True, "max_length": min(length, captioner.positions)}
    return processor(images=picture, text=prompt, return_tensors="pt", **padding)


def _parsed(captioner: Captioner, answer: Any, picture: Image.Image, task: str) -> Any:
    """One answer: a text, or the labels and boxes of a task that finds things, in pixels of the picture."""
    text = captioner.processor.decode(answer, skip_special_tokens=False)
    return parse_answer(captioner.processor, text, task, picture.size)
