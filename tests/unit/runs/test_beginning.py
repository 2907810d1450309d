"""How a run begins: results locked, leftovers cleared, and jobs that know whose they are."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from darkroom.errors import UserError
from darkroom.runs.beginning import SHELL_PREFIX, begin_run, job_environment
from darkroom.storage.process_identity import this_process


def project(tmp_path: Path) -> Any:
    return cast(Any, SimpleNamespace(results="results/box", lock=Path(".darkroom/locks/box")))


def test_a_run_holds_the_lock_and_clears_what_killed_ones_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    half = tmp_path / "results" / "box" / ".masks.csv.00000000-1-1-abcd_123.csv"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    log = tmp_path / "snakemake.log"
    log.write_text("SLURM run ID: 1234-abcd\n")
    held = begin_run(project(tmp_path), [str(log)])
    assert not half.exists()
    assert (tmp_path / ".darkroom/locks/box.slurm").read_text() == "1234-abcd\n"
    with pytest.raises(UserError, match="another run works on these results"):
        begin_run(project(tmp_path), [])
    held.close()


def test_what_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(OSError, match="results"):
        begin_run(project(tmp_path), [])


def test_a_killed_job_says_so_and_others_do_not() -> None:
    environment = os.environ | job_environment(Path("lock"))
    assert environment["DARKROOM_RUN"] == this_process() and environment["DARKROOM_LOCK"] == "lock"
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    for command, told in (("exit 137", True), ("exit 1", False), ("true", False)):
        shell = ["bash", "-c", SHELL_PREFIX + command]
        done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
        assert ("a job was killed (SIGKILL)" in done.stderr) is told
