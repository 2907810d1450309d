"""The state of an unfinished training, written so that a kill at any moment leaves the last whole one."""

import errno
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from darkroom.errors import lacks_memory
from darkroom.files import replacing

SHORTEST_PAUSE = 30.0
SHARE_OF_TIME = 0.05


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings, lists and dicts, whole or not at all. Raises OSError where the disk is full."""
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
    if not path.exists():
        return None
    try:
        return dict(torch.load(path, map_location=device, weights_only=True))
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        if lacks_memory(error) or (isinstance(error, OSError) and error.errno != errno.EINVAL):
            raise
        print(f"train_lora: the saved state {path} is damaged; training from the first step", flush=True)
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
