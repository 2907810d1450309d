"""What is compared: the base model, and every checkpoint of a run at every strength."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import UserError


@dataclass(frozen=True)
class Variant:
    """A checkpoint at a strength; the base model has no checkpoint, step 0 and strength 0."""

    step: int
    strength: float
    checkpoint: Path | None


BASE = Variant(0, 0.0, None)


def variants(folder: Path, strengths: Sequence[float]) -> list[Variant]:
    """Every checkpoint in a folder at every strength, by step and strength. UserError where there is none."""
    files = sorted(folder.glob("step-*.safetensors"))
    if not files:
        raise UserError(f"{folder}: it holds no checkpoint; run the training again")
    steps = [(int(file.stem.removeprefix("step-")), file) for file in files]
    return [Variant(step, strength, file) for step, file in steps for strength in sorted(strengths)]
