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


def strengths_of(checkpoint: Path, strengths: Sequence[float]) -> list[Variant]:
    """A checkpoint, `step-000100.safetensors`, at every strength, weakest first. UserError where it is not there."""
    if not checkpoint.exists():
        raise UserError(f"{checkpoint}: this checkpoint is gone; delete {checkpoint.parent} and run the training again")
    step = int(checkpoint.stem.removeprefix("step-"))
    return [Variant(step, strength, checkpoint) for strength in sorted(strengths)]


def variants(folder: Path, strengths: Sequence[float]) -> list[Variant]:
    """Every checkpoint in a folder at every strength, by step and strength. UserError where there is none."""
    files = sorted(folder.glob("step-*.safetensors"))
    if not files:
        raise UserError(f"{folder}: it holds no checkpoint; run the training again")
    return [variant for file in files for variant in strengths_of(file, strengths)]
