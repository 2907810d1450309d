"""Jobs that a killed run left in SLURM's queue: they would take away the outputs of the run after it."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from darkroom.errors import UserError
from darkroom.storage.files import write_text


def queued_jobs(run: str) -> int:
    """How many jobs of a run wait, run or end at this moment; `run` is its SLURM run ID, the name of all its jobs.

    Raises UserError where the queue does not answer.
    """
    command = ["squeue", "--noheader", "--format=%i", "--name", run]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        reason = asked.stderr.strip().splitlines()[-1:]
        raise UserError(f"squeue does not answer: {''.join(reason)}; start again when SLURM is back")
    return len(asked.stdout.split())


def refuse_beside_queued_jobs(record: Path) -> None:
    """Raise UserError where jobs of the run named in `record` are still in the queue."""
    if not record.exists() or shutil.which("squeue") is None:
        return
    run = record.read_text(encoding="utf-8").strip()
    if count := queued_jobs(run):
        raise UserError(
            f"{record}: {count} jobs of a killed run are still in SLURM's queue; "
            f"wait until they have ended or end them with: scancel --name {run}"
        )


def record_run(record: Path, logs: Sequence[str]) -> None:
    """Write down this run's SLURM run ID, which Snakemake's log names; without one it is no run on SLURM."""
    text = "\n".join(Path(log).read_text(encoding="utf-8") for log in logs)
    found = re.search(r"SLURM run ID: (\S+)", text)
    if found:
        write_text(record, found[1] + "\n")
