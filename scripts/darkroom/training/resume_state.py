"""How far a training has come, kept in a folder of its own: a kill at any moment leaves the last whole state.

A finished training is kept, too, without its optimizer: under another label, or after a change and back, its steps are
not taken again.
"""

from __future__ import annotations

import errno
import logging
import pickle
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.contracts.training_tables import LoggedStep, Validation
from darkroom.errors import lacks_memory
from darkroom.storage.files import read_json, replacing, sha256_file, write_json

LOGGER = logging.getLogger(__name__)

if TYPE_CHECKING:
    import torch

SHORTEST_PAUSE = 30.0
SHARE_OF_TIME = 0.05
STATE, FINISHED, CHECKPOINTS = "state.pt", "finished.json", "checkpoints"


@dataclass
class TrainingState:
    """How far a training is: the last step done, its rows, the seconds spent so far.

    `began_after` is the step it went on after; `machine` where it was finished (`machine.machine_record`).
    """

    step: int
    log: list[LoggedStep]
    validation: list[Validation]
    seconds: float
    began_after: int = 0
    machine: dict[str, Any] = field(default_factory=dict)


def checkpoints_of(run_dir: Path) -> list[Path]:
    """The checkpoints in the folder of a training, in the order of their steps, without any half-written one."""
    return sorted((run_dir / CHECKPOINTS).glob("step-*.safetensors"))


def noted_hashes(run_dir: Path) -> dict[str, str]:
    """The sha256 of each checkpoint of a finished training by its name, as noted when it ended."""
    return dict(read_json(run_dir / FINISHED)["checkpoints"])


def _checkpoint_hashes(run_dir: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in checkpoints_of(run_dir)}


def keep_finished(run_dir: Path, done: TrainingState) -> None:
    """Note that a training is finished and drop what only going on would need."""
    record = progress_record(done) | {"machine": done.machine, "checkpoints": _checkpoint_hashes(run_dir)}
    write_json(run_dir / FINISHED, record)
    (run_dir / STATE).unlink(missing_ok=True)


def finished_training(run_dir: Path) -> TrainingState | None:
    """A finished training, all its steps done before; None where it is unfinished, or a checkpoint lost or altered."""
    try:
        record = read_json(run_dir / FINISHED)
    except (FileNotFoundError, ValueError):
        return None
    if _checkpoint_hashes(run_dir) != record["checkpoints"]:
        return None
    done = training_state(record)
    done.machine = record["machine"]
    return done


def progress_record(done: TrainingState) -> dict[str, Any]:
    """How far a training is in plain values, as a saved state and the note of a finished one hold it."""
    log, validation = [asdict(row) for row in done.log], [asdict(row) for row in done.validation]
    return {"step": done.step, "log": log, "validation": validation, "seconds": done.seconds}


def training_state(record: Mapping[str, Any]) -> TrainingState:
    """The training that goes on after what `progress_record` recorded."""
    log = [LoggedStep(**row) for row in record["log"]]
    validation = [Validation(**row) for row in record["validation"]]
    return TrainingState(record["step"], log, validation, record["seconds"], began_after=record["step"])


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings, lists and dicts, whole or not at all. Raises OSError where the disk is full."""
    import torch

    with replacing(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:
            # torch hides why the file took no more.
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None


def load_state(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The saved state, or None where there is none or its file is damaged.

    Nothing but plain values is unpickled (`weights_only`).
    """
    import torch

    if not path.exists():
        return None
    try:
        return dict(torch.load(path, map_location=device, weights_only=True))
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        if lacks_memory(error) or (isinstance(error, OSError) and error.errno != errno.EINVAL):
            raise
        LOGGER.warning("train_lora: the saved state %s is damaged; training from the first step", path)
        return None


class SavingClock:
    """Says when a state is due: every half minute, and seldom enough that saving takes at most 5 % of the time."""

    def __init__(self, shortest_pause: float = SHORTEST_PAUSE) -> None:
        self._shortest_pause = self._pause = shortest_pause
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() - self._last >= self._pause

    def saved(self, seconds: float) -> None:
        """Note that a state was just saved and how long that took."""
        self._pause = max(self._shortest_pause, seconds / SHARE_OF_TIME)
        self._last = time.monotonic()
