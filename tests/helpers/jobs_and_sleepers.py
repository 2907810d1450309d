"""Processes for tests: one that does nothing until it is killed, and scripts that run as jobs."""

import os
import subprocess
import sys
from pathlib import Path

from darkroom.storage.process_identity import this_process

SCRIPTS = Path(__file__).parents[2] / "scripts"
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def job(body: str, run: str | None, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """A script of one body, as a job of a run (a process's name) or by hand, with its log."""
    code = f"from darkroom.jobs.command import run_command\ndef main():\n    {body}\nrun_command(main)\n"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    if run is not None:
        environment |= {"DARKROOM_RUN": run, "DARKROOM_LOCK": str(folder / "lock")}
    with log.open("wb") as file:
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=file, stderr=subprocess.STDOUT)


def name_of(process: subprocess.Popen[bytes]) -> str:
    """The name that a process would give itself."""
    place = this_process().split("-")[0]
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return f"{place}-{process.pid}-{fields[19]}"
