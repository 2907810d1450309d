"""Salient-object networks in ONNX, as rembg distributes them: what stands out in a picture, with soft edges.

Each family wants its pixels otherwise. The numbers are those of the networks' own training code (and of rembg's
sessions): U-2-Net (Qin et al. 2020), IS-Net (Qin et al. 2022, DIS), BiRefNet (Zheng et al. 2024).
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from darkroom.errors import UserError
from darkroom.models import onnx_session
from darkroom.models.onnx_session import open_session

# What decides a mask: for `code_version`.
MODULES = (*onnx_session.MODULES, sys.modules[__name__])
Segment = Callable[[Image.Image], Image.Image]

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Family:
    """How a family sees a picture of values from 0 to 1, and whether its output is yet to pass a sigmoid."""

    side: int  # in pixels, where the network takes any
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    logits: bool = False


FAMILIES = {
    "u2net": Family(320, IMAGENET_MEAN, IMAGENET_DEVIATION),
    "isnet": Family(1024, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
    "isnet-anime": Family(1024, IMAGENET_MEAN, (1.0, 1.0, 1.0)),
    "birefnet": Family(1024, IMAGENET_MEAN, IMAGENET_DEVIATION, logits=True),
}
# Words of file names that tell the family, the first that occurs; silueta is a smaller U-2-Net.
NAMES = {
    "isnet-anime": "isnet-anime",
    "isnet": "isnet",
    "birefnet": "birefnet",
    "u2net": "u2net",
    "silueta": "u2net",
}


def family_of(file: Path, named: str | None) -> Family:
    """The family of a network: as named in the config, else as its file name tells.

    Raises UserError where neither tells it.
    """
    if named is not None:
        return FAMILIES[named]
    plain = file.stem.lower().replace("_", "-")
    for word, family in NAMES.items():
        if word in plain:
            return FAMILIES[family]
    raise UserError(
        f"masks.network: the name {file.name} does not tell how the network sees pictures; "
        f"set masks.network to one of {', '.join(FAMILIES)}"
    )


def load_network(file: Path, named: str | None, device: str, threads: int) -> Segment:
    """A function from an RGB picture to its mask, 8-bit grey in the picture's size, white where the subject is.

    It runs on the GPU where `device` is `gpu` and the installed onnxruntime can, else on the CPU. Masks are not
    stretched to the full range as rembg does it: where nothing stands out a mask stays dark.

    Raises UserError where the file is not a network that takes one picture of (1, 3, side, side).
    """
    family = family_of(file, named)
    session = open_session(file, threads, "masks", device)
    entry, output = session.get_inputs()[0], session.get_outputs()[0].name
    side = _side(entry.shape, family, file)
    mean, deviation = np.array(family.mean, np.float32), np.array(family.deviation, np.float32)

    def segment(picture: Image.Image) -> Image.Image:
        seen = np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS), np.float32)
        seen = (seen / max(float(seen.max()), 1e-6) - mean) / deviation
        found = session.run([output], {entry.name: seen.transpose(2, 0, 1)[None]})[0].reshape(side, side)
        if family.logits:
            found = 1 / (1 + np.exp(-np.clip(found, -30, 30)))
        grey = Image.fromarray((np.clip(found, 0, 1) * 255).round().astype(np.uint8))
        return grey.resize(picture.size, Image.Resampling.BICUBIC)

    return segment


def _side(shape: Sequence[Any], family: Family, file: Path) -> int:
    """The side of the square that a network sees: its own, or its family's where it takes any."""
    sides = {size for size in shape[2:] if isinstance(size, int)}
    if len(shape) != 4 or len(sides) > 1:
        raise UserError(f"masks: {file} sees pictures of shape {shape}, not squares; take another model")
    return sides.pop() if sides else family.side
