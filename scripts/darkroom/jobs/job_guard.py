"""What a job of a run does besides its work: it never outlives its Snakemake and never works twice at once.

A script that is run by hand has no run to look after, and nothing here happens.
"""

import contextlib
import fcntl
import logging
import os
import stat
import threading
import time
from pathlib import Path

from darkroom.errors import UserError
from darkroom.storage.process_identity import is_alive, try_lock, wait_for_lock

LOGGER = logging.getLogger(__name__)

PAUSE = 1.0
STDOUT = 1


def guard_job() -> None:
    """Watch the Snakemake that started this job, share its run's lock, and wait for another process of this job.

    Raises UserError where that Snakemake has already ended.
    """
    run = os.environ.get("DARKROOM_RUN")
    if not run:
        return
    if is_alive(run) is False:
        raise UserError("the run that started this job has ended, so the job ends, too; start snakemake again")
    threading.Thread(target=_end_with, args=(run,), daemon=True).start()
    # The lock is held as long as this process lives: nobody ever closes it.
    with contextlib.suppress(OSError):
        try_lock(os.open(Path(os.environ["DARKROOM_LOCK"]), os.O_RDWR | os.O_CLOEXEC), fcntl.LOCK_SH)
    _wait_for_twin()


def _end_with(run: str) -> None:
    """End this process, whatever it is doing, once its Snakemake has ended: nobody would know of its outputs."""
    while is_alive(run):
        time.sleep(PAUSE)
    if is_alive(run) is False:
        with contextlib.suppress(OSError):
            LOGGER.error("darkroom: error: snakemake was killed, so this job ends, too")
        os._exit(1)


def _wait_for_twin() -> None:
    """Lock the log of this job, to which stdout goes; a job that a cluster has started twice works once at a time."""
    if stat.S_ISREG(os.fstat(STDOUT).st_mode) and wait_for_lock(STDOUT, "another process of this job"):
        # The other one wrote on where it was, into the file that the shell had emptied for this one.
        os.ftruncate(STDOUT, 0)
        os.lseek(STDOUT, 0, os.SEEK_SET)
