"""Florence-2, native in transformers: how it is loaded and how its answers are read."""

import sys
from pathlib import Path
from typing import Any

from darkroom.config.base import ComputeSettings
from darkroom.models import pretrained
from darkroom.models.pretrained import load_pretrained

# What decides an answer: for `code_version`.
MODULES = (*pretrained.MODULES, sys.modules[__name__])
GROUNDING = "<CAPTION_TO_PHRASE_GROUNDING>"
FAILING = (
    "does not load as a native Florence-2 ({}); take florence-community/Florence-2-base or -large, whose weights need "
    "no remote code"
)


def load_florence(path: Path, compute: ComputeSettings, key: str) -> tuple[Any, Any]:
    """Florence-2 and its processor from a folder: fp32 on the CPU, fp16 on a GPU. `key` of the config named it.

    Raises UserError where a GPU is asked for and none is there, or the folder holds no Florence-2.
    """
    classes = ("Florence2ForConditionalGeneration", "Florence2Processor")
    return load_pretrained(classes, path, compute, "fp16", key, FAILING)


def parse_answer(processor: Any, text: str, task: str, size: tuple[int, int]) -> Any:
    """What Florence-2's processor reads in a decoded answer, without its padding; places are in pixels of `size`."""
    text = text.replace(processor.tokenizer.pad_token, "")
    return processor.post_process_generation(text, task=task, image_size=size)[task]
