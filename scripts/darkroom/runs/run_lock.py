"""One run at a time over one results folder; a killed run leaves no lock behind.

The lock is held by the run and shared by each of its jobs, so that a new run also waits for what a killed one left
working. It is the kernel's (`flock`): it ends with the last process that holds it, even after a `kill -9`.
"""

import fcntl
import logging
import os
import socket
import tempfile
import time
from io import TextIOWrapper
from pathlib import Path

from darkroom.errors import UserError
from darkroom.storage.files import naming
from darkroom.storage.process_identity import is_alive, this_process, try_lock

LOGGER = logging.getLogger(__name__)

# Jobs of a killed run end by themselves within a second or two; those on a cluster do not.
PATIENCE = 30.0
PAUSE = 0.5


def hold_run_lock(path: Path, patience: float = PATIENCE) -> TextIOWrapper:
    """Take the lock and return the open file that holds it for as long as this process lives.

    Waits up to `patience` seconds for jobs of a run that has ended. Raises UserError where another run holds the
    lock, or where such jobs go on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+", encoding="utf-8")
    end, said = time.monotonic() + patience, False
    while not try_lock(handle, fcntl.LOCK_EX):
        trouble = _trouble(path, time.monotonic() >= end)
        if trouble:
            handle.close()
            raise UserError(f"{path}: {trouble}")
        if not said:
            LOGGER.warning("darkroom: waiting for jobs that a killed run left working")
            said = True
        time.sleep(PAUSE)
    with naming(path):
        handle.truncate(0)
        handle.write(f"{this_process()} {os.getpid()} {socket.gethostname()}\n")
        handle.flush()
    # From here on jobs share the lock; only a new run asks for all of it.
    if not try_lock(handle, fcntl.LOCK_SH):
        handle.close()
        raise UserError(f"{path}: another run has just begun on these results; wait until it has ended")
    return handle


def _trouble(path: Path, out_of_patience: bool) -> str:
    """Why not to wait for the holder of the lock, empty where waiting may help."""
    process, _, who = path.read_text(encoding="utf-8").strip().partition(" ")
    number, _, host = who.partition(" ")
    if process and is_alive(process) is not False:
        return f"another run works on these results (process {number} on {host}); wait until it has ended"
    if out_of_patience:
        return "jobs of a run that was killed still work on these results; wait for them or end them (scancel)"
    return ""


def check_writable(folder: Path) -> None:
    """Write one byte into a folder and take it back. Raises OSError naming the folder where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
            file.flush()
    except OSError as error:
        error.filename = str(folder)
        raise
