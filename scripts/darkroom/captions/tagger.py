"""Taggers in ONNX in the manner of SmilingWolf's WD v2 and v3: pictures in, tags with their probabilities out.

Facts of the format: `model.onnx` takes (batch, side, side, 3) float32 in 0..255, channels blue, green, red, of the
picture on a white square; its output are probabilities in the order of the rows of `selected_tags.csv`, whose column
`category` says 0 for general tags, 4 for characters and 9 for ratings.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.errors import UserError
from darkroom.models import onnx_session
from darkroom.models.onnx_session import open_session
from darkroom.storage.tables import read_table

# What decides an answer: for `code_version`.
MODULES = (*onnx_session.MODULES, sys.modules[__name__])
MODEL, TAGS = "model.onnx", "selected_tags.csv"
GENERAL, CHARACTER = 0, 4
# Less probable tags are not even remembered; no threshold can be set below.
LEAST_PROBABILITY = 0.1
WORD = re.compile(r"[^\W_]{2}")


def load_tagger(
    path: Path, settings: CaptionerSettings, compute: ComputeSettings
) -> Callable[[Sequence[Image.Image]], list[dict[str, Any]]]:
    """A function from RGB pictures to `{"tags": [[name, category, probability], ...]}` of each.

    General and character tags of at least LEAST_PROBABILITY, the most probable first; ratings are left out. Every
    forward pass has the same shape: the network's own batch where that is fixed, else `settings.batch`.

    Raises UserError where the folder's files are no such tagger or do not belong together.
    """
    session = open_session(path / MODEL, compute.inference_threads, "captioner.model")
    vocabulary = read_vocabulary(path / TAGS)
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    if len(shape) != 4 or not isinstance(shape[1], int) or shape[1] != shape[2] or shape[3] != 3:
        raise UserError(f"captioner.model: {path / MODEL} sees {shape}, not (batch, side, side, 3); give a WD tagger")
    width = session.get_outputs()[0].shape[-1]
    if isinstance(width, int) and width != len(vocabulary):
        raise UserError(
            f"captioner.model: {path / MODEL} knows {width} tags, {TAGS} names {len(vocabulary)}; "
            "give both files of the same model"
        )
    batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else settings.batch

    def describe(pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
        seen = [tagger_input(picture, shape[1]) for picture in pictures]
        answers = []
        for start in range(0, len(seen), batch):
            some = seen[start : start + batch]
            filled = some + [some[-1]] * (batch - len(some))
            answers += list(session.run(None, {name: np.stack(filled)})[0][: len(some)])
        return [{"tags": probable_tags(answer, vocabulary)} for answer in answers]

    return describe


def read_vocabulary(path: Path) -> list[tuple[str, int]]:
    """The names and categories of a `selected_tags.csv`, in the order of the network's output.

    Raises UserError where it is no such table.
    """
    try:
        return [(row["name"], int(row["category"])) for row in read_table(path)]
    except (OSError, KeyError, ValueError) as error:
        raise UserError(
            f"captioner.model: {path} is no table of tags with the columns name and category ({error!r})"
        ) from None


def tagger_input(picture: Image.Image, side: int) -> np.ndarray:
    """A picture as a WD tagger sees it: centred on a white square, (side, side, 3) float32, blue first, 0 to 255."""
    longer = max(picture.size)
    square = Image.new("RGB", (longer, longer), "white")
    square.paste(picture, ((longer - picture.width) // 2, (longer - picture.height) // 2))
    if longer != side:
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(square, np.float32)[:, :, ::-1]


def probable_tags(probabilities: np.ndarray, vocabulary: Sequence[tuple[str, int]]) -> list[list[Any]]:
    """General and character tags of at least LEAST_PROBABILITY, by falling probability, ties by the table's order."""
    found = [
        [name, category, round(float(probability), 4)]
        for (name, category), probability in zip(vocabulary, probabilities, strict=True)
        if category in (GENERAL, CHARACTER) and probability >= LEAST_PROBABILITY
    ]
    return sorted(found, key=lambda tag: -tag[2])


def tag_caption(tags: Sequence[Sequence[Any]], settings: CaptionerSettings) -> str:
    """The tags that reach their threshold, as a caption: 'long hair, smile, ^_^'."""
    thresholds = {GENERAL: settings.tag_threshold, CHARACTER: settings.character_threshold}
    return ", ".join(written_tag(name) for name, category, value in tags if value >= thresholds[category])


def written_tag(name: str) -> str:
    """A tag with spaces for underscores; a face such as ^_^, which has no word in it, keeps its own."""
    return name.replace("_", " ") if WORD.search(name) else name
