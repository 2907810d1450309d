"""Which model finds the subject: told by what its files are."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError
from darkroom.framing import mask_measures, salient_networks, transformers_masks
from darkroom.framing.mask_measures import PixelBox, subject_box
from darkroom.models.lock import LockedModel
from darkroom.storage.files import read_json

# From an RGB picture to its mask: 8-bit grey in the picture's size, white on the subject, with soft edges.
Segment = Callable[[Image.Image], Image.Image]
FindBox = Callable[[Image.Image], PixelBox | None]

NETWORK, FLORENCE = "network", "florence2"


def _is_network(model: LockedModel) -> bool:
    return model.path.suffix == ".onnx"


def model_kind(model: LockedModel, key: str) -> str:
    """NETWORK for an ONNX file, FLORENCE, or the type of a SAM-class model; `key` of the config named it.

    Raises UserError where the model is none of these.
    """
    if _is_network(model):
        return NETWORK
    config = model.path / "config.json"
    kind = str(read_json(config).get("model_type", "")) if config.is_file() else ""
    if kind == FLORENCE or kind in transformers_masks.SAM_PROCESSORS:
        return kind
    raise UserError(
        f"{key}: {model.source} is {f'of type {kind}' if kind else 'no model known here'}; give an ONNX file of a "
        f"salient-object network, or a model of type {FLORENCE} or {', '.join(transformers_masks.SAM_PROCESSORS)}"
    )


@dataclass(frozen=True)
class Finder:
    """A model that finds the subject, and all that decides its masks beside the photo; `key` of the config named it.

    `box_model` gives a SAM-class model its boxes; `network` is the family of ONNX networks whose names do not tell it;
    `subject_class` is the common word for what Florence-2 looks for.
    """

    model: LockedModel
    box_model: LockedModel | None
    network: str | None
    subject_class: str
    compute: ComputeSettings
    key: str = "masks.model"

    @property
    def name(self) -> str:
        """How tables call the model: a file's stem, a folder's name or an id of the Hub."""
        return Path(self.model.source).stem if _is_network(self.model) else self.model.source

    def decides(self) -> dict[str, Any]:
        """The parts of a cache key: everything that decides a mask beside the photo."""
        parts: dict[str, Any] = {"model": self.model.digest, "threads": self.compute.inference_threads}
        parts |= {"device": self.compute.device, "network": self.network}
        if not _is_network(self.model):
            parts |= {"noun": self.subject_class, "box_model": self.box_model and self.box_model.digest}
        return parts

    def modules(self) -> tuple[ModuleType, ...]:
        """The modules that make the masks, for `code_version`."""
        by_torch = not _is_network(self.model)
        boxed = by_torch and self.box_model is not None and _is_network(self.box_model)
        networks = salient_networks.MODULES if boxed or not by_torch else ()
        return (*networks, *(transformers_masks.MODULES if by_torch else ()), mask_measures, sys.modules[__name__])


def load_segmenter(finder: Finder) -> Segment:
    """Load the model of a finder.

    Raises UserError where it does not load, or is SAM's and has nothing to give it boxes.
    """
    model, compute, key = finder.model, finder.compute, finder.key
    kind = model_kind(model, key)
    if kind == NETWORK:
        return salient_networks.load_network(model.path, finder.network, compute.device, compute.inference_threads)
    if kind == FLORENCE:
        noun = noun_phrase(finder.subject_class)
        return transformers_masks.load_florence_masks(model.path, noun, compute, key)
    if finder.box_model is None:
        raise UserError(
            f"{key}: {model.source} segments what lies in a box; set masks.box_model to what finds the box, "
            "an ONNX network or a Florence-2"
        )
    find = _load_box_finder(replace(finder, model=finder.box_model, box_model=None, key="masks.box_model"))
    return transformers_masks.load_sam_masks(model.path, kind, find, compute, key)


def _load_box_finder(finder: Finder) -> FindBox:
    """A function from an RGB picture to the box of the subject, or None: by Florence-2, or that of a network's mask."""
    if model_kind(finder.model, finder.key) == FLORENCE:
        noun = noun_phrase(finder.subject_class)
        return transformers_masks.load_florence_boxes(finder.model.path, noun, finder.compute, finder.key)
    segment = load_segmenter(finder)
    return lambda picture: subject_box(segment(picture))


def noun_phrase(subject_class: str) -> str:
    """What to look for: `a toy` for the class `toy`, `an owl` for `owl`."""
    return f"{'an' if subject_class[:1].lower() in 'aeiou' else 'a'} {subject_class}"
