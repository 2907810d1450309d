"""Every captioner behind one interface: pictures in, answers out, and the caption that an answer makes.

An answer is a JSON value that is remembered per photo: `{"text": ...}`, with `"found"` where the captioner has checked
itself, or `{"tags": ...}`. What only chooses among an answer's parts, such as a tagger's thresholds, comes afterwards.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from PIL import Image

from darkroom.captions import florence, tagger, vision_language
from darkroom.captions.grounding import without_unseen
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.errors import UserError

Kind = Literal["florence2", "image-text-to-text", "tagger"]
Answer = dict[str, Any]
Describe = Callable[[Sequence[Image.Image]], list[Answer]]

# What decides an answer: settings and code. A prompt asks nothing of Florence-2, so it captions nothing anew.
DECIDING: dict[Kind, tuple[str, ...]] = {
    "florence2": ("task", "grounding", "beams", "max_tokens", "batch"),
    "image-text-to-text": ("prompt", "max_tokens", "batch"),
    "tagger": ("batch",),
}
MODULES: dict[Kind, tuple[ModuleType, ...]] = {
    "florence2": florence.MODULES,
    "image-text-to-text": vision_language.MODULES,
    "tagger": tagger.MODULES,
}


def captioner_kind(path: Path) -> Kind:
    """Which captioner a folder holds, told by its files alone.

    Raises UserError where it holds none.
    """
    if (path / tagger.TAGS).is_file():
        return "tagger"
    try:
        model_type = json.loads((path / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        model_type = None
    if not model_type:
        raise UserError(
            f"captioner.model: {path} holds no captioner; give a Florence-2, an image-text-to-text model of "
            f"transformers (config.json with model_type), or a tagger ({tagger.MODEL} and {tagger.TAGS})"
        )
    return "florence2" if model_type == "florence2" else "image-text-to-text"


def deciding_settings(kind: Kind, settings: CaptionerSettings) -> dict[str, Any]:
    """The settings that decide an answer of this kind of captioner, for its cache key."""
    return {"kind": kind, **settings.model_dump(include=set(DECIDING[kind]))}


def load_captioner(path: Path, settings: CaptionerSettings, compute: ComputeSettings) -> Describe:
    """Load the captioner of a folder: a function from at most `settings.batch` RGB pictures to their answers.

    Raises UserError, one line, where it does not load.
    """
    kind = captioner_kind(path)
    if kind == "tagger":
        return tagger.load_tagger(path, settings, compute)
    if kind == "image-text-to-text":
        return vision_language.load_vision_language(path, settings, compute)
    return florence.load_describe(path, settings, compute)


def caption_of(answer: Answer, settings: CaptionerSettings, subject_class: str) -> str:
    """The caption that an answer makes: one line, a description or a list of tags."""
    if "tags" in answer:
        return tagger.tag_caption(answer["tags"], settings)
    if "found" in answer:
        return without_unseen(answer["text"], answer["found"], subject_class)
    return str(answer["text"])
