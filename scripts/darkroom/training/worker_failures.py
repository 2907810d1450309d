"""Why those that train together failed: each notes it in a folder, and who has started them tells it once for all.

One that fails takes its connections along, so that the others fail, too, and their words would hide the first ones.
"""

import logging
import os
import shutil
import signal
import time
import traceback
from pathlib import Path

from darkroom.errors import UserError, user_error
from darkroom.storage.files import write_text
from darkroom.storage.process_identity import BY_SIGNAL

LOGGER = logging.getLogger(__name__)

# The folder of the notes; a process that has it in its environment was started by `launch.launch`.
FAILURES = "DARKROOM_FAILURES"
MISTAKE, CRASH = "mistake", "crash"


def note(error: Exception) -> None:
    """Note why this process fails: the one line of a user's mistake, else the traceback."""
    known = user_error(error)
    kind, text = (MISTAKE, str(known)) if known is not None else (CRASH, "".join(traceback.format_exception(error)))
    name = f"{time.time_ns()}-{os.environ['RANK']}.{kind}"
    write_text(Path(os.environ[FAILURES]) / name, text)


def tell(folder: Path, code: int) -> None:
    """Tell what was noted first, after processes ended with this exit code, and remove the folder.

    Raises UserError where anyone noted a mistake of the user. Else a traceback goes to stderr, or the signal that has
    ended a process.
    """
    mistakes, crashes = _noted(folder, MISTAKE), _noted(folder, CRASH)
    shutil.rmtree(folder, ignore_errors=True)
    if mistakes:
        raise UserError(mistakes[0])
    if code > BY_SIGNAL:
        LOGGER.error("darkroom: a process of the training was ended by %s", _signal_name(code - BY_SIGNAL))
    elif crashes:
        LOGGER.error("%s", crashes[0].rstrip())


def _noted(folder: Path, kind: str) -> list[str]:
    """The notes of a kind, in the order of their times, without half-written ones, whose names are hidden."""
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"[0-9]*.{kind}"))]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
