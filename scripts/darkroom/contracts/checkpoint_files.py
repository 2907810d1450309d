"""The checkpoints of a run: at which steps, in which files, and each at the strengths that evaluation compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import UserError


def checkpoint_steps(steps: int, every: int) -> list[int]:
    """Every multiple of `every` up to `steps`, and `steps` itself: 250 by 100 gives 100, 200, 250."""
    return sorted({*range(every, steps + 1, every), steps})


def step_name(step: int) -> str:
    """A step as the names of files hold it, so that they sort: `000100`."""
    return f"{step:06d}"


def checkpoint_file(folder: Path, step: int) -> Path:
    """The file of a checkpoint: `step-000100.safetensors`."""
    return folder / f"step-{step_name(step)}.safetensors"


def chosen_checkpoint(folder: Path, step: int) -> Path:
    """The file of a step. Raises UserError where there is none: step 0, for example, is the base model."""
    path = checkpoint_file(folder, step)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("step-*.safetensors"))) or "none"
        raise UserError(f"choice.json: {folder} holds no checkpoint of step {step} (there: {known}); train again")
    return path


# A variant as tables name it: step and strength.
VariantKey = tuple[int, float]


@dataclass(frozen=True)
class Variant:
    """A checkpoint at a strength; the base model has no checkpoint, step 0 and strength 0."""

    step: int
    strength: float
    checkpoint: Path | None

    @property
    def key(self) -> VariantKey:
        """Step and strength, by which tables know it."""
        return self.step, self.strength


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
