"""One run at a time over one results folder; a killed run leaves no lock behind."""

import fcntl
from io import TextIOWrapper
from pathlib import Path

from darkroom.errors import UserError


def hold_run_lock(path: Path) -> TextIOWrapper:
    """Take the lock and return the open file that holds it for as long as this process lives.

    Raises UserError where another run holds it. The kernel frees the lock even after a `kill -9`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise UserError(f"{path}: another run works on these results; wait until it has ended") from None
    return handle
