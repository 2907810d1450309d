"""The steps at which a run leaves checkpoints, and the checkpoints' files."""

from pathlib import Path


def checkpoint_steps(steps: int, every: int) -> list[int]:
    """Every multiple of `every` up to `steps`, and `steps` itself: 250 by 100 gives 100, 200, 250."""
    return sorted({*range(every, steps + 1, every), steps})


def step_name(step: int) -> str:
    """A step as the names of files hold it, so that they sort: `000100`."""
    return f"{step:06d}"


def checkpoint_file(folder: Path, step: int) -> Path:
    """The file of a checkpoint: `step-000100.safetensors`."""
    return folder / f"step-{step_name(step)}.safetensors"
