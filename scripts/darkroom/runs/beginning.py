"""How a run begins: what its jobs are told, and the results locked and cleared of what killed runs have left."""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from darkroom.errors import MEMORY
from darkroom.runs.leftovers import clear_temporary_files
from darkroom.runs.project import CACHE, INDEX_FOLDER, STATES, Project
from darkroom.runs.run_lock import check_writable, hold_run_lock
from darkroom.runs.slurm_queue import record_run, refuse_beside_queued_jobs
from darkroom.storage.process_identity import this_process

# A job that ends by SIGKILL leaves no word in its log, and Snakemake shows no exit codes: hence a trap that tells.
SHELL_PREFIX = "set -euo pipefail; trap '[ $? != 137 ] || echo \"$DARKROOM_KILLED\" >&2' EXIT; "


def job_environment(lock: Path) -> dict[str, str]:
    """The environment of a run's jobs: which process started them, which lock they share, what a killed one says.

    They run with the Python that runs Snakemake, whether or not its environment is activated; --sdm conda goes before.
    """
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "DARKROOM_RUN": this_process(),
        "DARKROOM_LOCK": str(lock),
        "DARKROOM_KILLED": f"darkroom: error: a job was killed (SIGKILL), mostly because {MEMORY}",
    }


def begin_run(project: Project, logs: Sequence[str]) -> TextIOWrapper:
    """Keep other runs away from a project's results, and clear away what killed ones left; Snakemake writes `logs`.

    Returns the open file that holds the lock for as long as this process lives. Raises UserError where another run or
    jobs of a killed one are at work, and OSError where the working directory cannot be written.
    """
    held = hold_run_lock(project.lock)
    queue = project.lock.with_name(f"{project.lock.name}.slurm")
    refuse_beside_queued_jobs(queue)
    record_run(queue, logs)
    for folder in (project.results, ".darkroom", "logs"):
        check_writable(Path(folder))
    clear_temporary_files(Path(project.results), alone=True)
    for folder in (CACHE, STATES, INDEX_FOLDER):
        clear_temporary_files(Path(folder), alone=False)
    return held
