"""What killed processes left behind, and who clears it away: the next run, once it holds its lock."""

import os
import time
from pathlib import Path

from darkroom.storage.files import TEMPORARY_NAME
from darkroom.storage.process_identity import is_alive

# Nobody writes on one temporary file for so long.
LONGEST_WRITE = 24 * 3600.0


def clear_temporary_files(folder: Path, alone: bool) -> int:
    """Delete the temporary files below a folder whose writers have ended, and return how many there were.

    Whether a writer on another machine lives cannot be seen from here. Its file goes if this run is `alone` in the
    folder, else once it is a day old.
    """
    cleared = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            match = TEMPORARY_NAME.match(name)
            if match and _abandoned(Path(parent) / name, is_alive(match[1]), alone):
                (Path(parent) / name).unlink(missing_ok=True)
                cleared += 1
    return cleared


def _abandoned(path: Path, alive: bool | None, alone: bool) -> bool:
    if alive is not None:
        return not alive
    try:
        return alone or time.time() - path.stat().st_mtime > LONGEST_WRITE
    except FileNotFoundError:
        return False
