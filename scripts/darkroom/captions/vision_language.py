"""Vision-language models of transformers that answer a prompt: JoyCaption and other LLaVAs, Qwen-VL and the like.

torch and transformers are imported where they are used: a stage whose captions are all remembered never loads them.
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from darkroom.captions import greedy
from darkroom.captions.greedy import GREEDY, answer_text, is_cut_off
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.errors import UserError
from darkroom.models import pretrained
from darkroom.models.pretrained import load_pretrained

# What decides an answer: for `code_version`.
MODULES = (greedy, *pretrained.MODULES, sys.modules[__name__])
FAILING = "does not load as an image-text-to-text model of transformers ({}); give one that needs no remote code"
# JoyCaption was trained with it; to the others it says nothing that the prompt does not.
SYSTEM = "You are a helpful image captioner."
# Longest side in pixels that is looked at. Some models turn every pixel of a photo into work, Qwen2-VL into as many as
# 16,000 tokens, where a description needs a thousand.
SIDE = 1024
SENTENCE_END = re.compile(r"[.!?][\"')*]*(?=\s|$)")


@dataclass(frozen=True)
class VisionLanguage:
    """A loaded model with its processor and the prompt in the form of its chat template."""

    model: Any
    processor: Any
    prompt: str
    settings: CaptionerSettings


def load_vision_language(
    path: Path, settings: CaptionerSettings, compute: ComputeSettings
) -> Callable[[Sequence[Image.Image]], list[dict[str, Any]]]:
    """A function from RGB pictures to `{"text": ...}` of each: fp32 on the CPU, bf16 on a GPU, greedy.

    Raises UserError where a GPU is asked for and none is there, or the folder holds no such model.
    """
    classes = ("AutoModelForImageTextToText", "AutoProcessor")
    model, processor = load_pretrained(classes, path, compute, "bf16", "captioner.model", FAILING)
    loaded = VisionLanguage(model, processor, _prompt(path, processor, settings.prompt), settings)
    return lambda pictures: describe(loaded, pictures)


def describe(loaded: VisionLanguage, pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """The answers to at most `settings.batch` RGB pictures, each independent of its neighbours.

    Many of these models see a picture in tiles or patches by its own size, and padding its prompt to that of a larger
    neighbour would round differently. So each picture is prepared alone, only pictures whose inputs have the same
    layout share a forward pass, and that pass is filled up to `settings.batch` with copies of its last picture.
    """
    ready = [_inputs(loaded, picture) for picture in pictures]
    groups: dict[Any, list[int]] = {}
    for number, inputs in enumerate(ready):
        groups.setdefault(_layout(inputs), []).append(number)
    answers = [""] * len(ready)
    for members in groups.values():
        for number, answer in zip(members, _answers(loaded, [ready[number] for number in members]), strict=True):
            answers[number] = answer
    return [{"text": answer} for answer in answers]


def _layout(inputs: dict[str, Any]) -> tuple[Any, ...]:
    """The shapes of the inputs and all their whole numbers: how many tokens and patches there are, and in what grid."""
    return tuple(
        (name, tuple(value.shape), None if value.is_floating_point() else tuple(value.flatten().tolist()))
        for name, value in sorted(inputs.items())
    )


def _inputs(loaded: VisionLanguage, picture: Image.Image) -> dict[str, Any]:
    """Picture and prompt as tensors, each with a first dimension by which they can be joined."""
    picture = picture.copy()
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    begin = loaded.processor.tokenizer.bos_token
    own_begin = begin is not None and loaded.prompt.startswith(begin)
    return dict(
        loaded.processor(images=[picture], text=[loaded.prompt], add_special_tokens=not own_begin, return_tensors="pt")
    )


def _answers(loaded: VisionLanguage, ready: list[dict[str, Any]]) -> list[str]:
    """The answers to pictures of one shape, in one pass of `settings.batch`."""
    import torch

    model, settings = loaded.model, loaded.settings
    count, ready = len(ready), ready + [ready[-1]] * (settings.batch - len(ready))
    inputs = {name: torch.cat([one[name] for one in ready]).to(model.device) for name in ready[0]}
    inputs = {name: value.to(model.dtype) if value.is_floating_point() else value for name, value in inputs.items()}
    with torch.inference_mode():
        answers = model.generate(**inputs, **GREEDY, max_new_tokens=settings.max_tokens)
    prompt_tokens = 0 if model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    return [_text(loaded, answer[prompt_tokens:]) for answer in answers[:count]]


def _text(loaded: VisionLanguage, tokens: Any) -> str:
    """An answer on one line, without thoughts; what the limit cut off ends with its last whole sentence."""
    text = " ".join(answer_text(loaded.processor.tokenizer, tokens).split())
    return whole_sentences(text) if is_cut_off(loaded.model, tokens, loaded.settings.max_tokens) else text


def whole_sentences(text: str) -> str:
    """A text up to the end of its last whole sentence, or all of it where there is none."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text


def _prompt(path: Path, processor: Any, prompt: str) -> str:
    """The prompt with the place of the picture, by the chat template of the model.

    Most templates take a list of parts; JoyCaption's and some others take a text and put the picture in themselves.
    """
    if not getattr(processor, "chat_template", None):
        raise UserError(f"captioner.model: {path} has no chat template, so it cannot be asked; give a chat model")
    picture = getattr(processor, "image_token", None)
    parts = [{"type": "image"}, {"type": "text", "text": prompt}]
    for system, content in (([{"type": "text", "text": SYSTEM}], parts), (None, parts), (SYSTEM, prompt)):
        turns = [{"role": "system", "content": system}] if system else []
        try:
            text = str(
                processor.apply_chat_template(
                    [*turns, {"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
                )
            )
        except Exception:  # A template may raise anything at what it does not know.
            continue
        if prompt in text and "'type'" not in text and (picture is None or picture in text):
            return text
    raise UserError(f"captioner.model: {path}: its chat template takes no picture; give an image-text-to-text model")
