"""The lock of a run keeps a second one away."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from darkroom.errors import UserError
from darkroom.runs.run_lock import check_writable, hold_run_lock
from darkroom.storage.process_identity import try_lock

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_only_one_run_holds_the_lock(tmp_path: Path) -> None:
    first = hold_run_lock(tmp_path / "locks" / "toybox")
    with pytest.raises(UserError, match="another run works on these results"):
        hold_run_lock(tmp_path / "locks" / "toybox")
    first.close()
    hold_run_lock(tmp_path / "locks" / "toybox").close()


def test_a_new_run_waits_for_the_jobs_of_a_killed_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "toybox"
    code = "from darkroom.runs.run_lock import hold_run_lock; from pathlib import Path; "
    code += f"hold_run_lock(Path({str(path)!r}))"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(SCRIPTS)}, check=True)
    job = subprocess.Popen(["flock", "--shared", str(path), "sleep", "600"], start_new_session=True)
    while subprocess.run(["flock", "--nonblock", str(path), "true"], check=False).returncode == 0:
        continue
    with pytest.raises(UserError, match="jobs of a run that was killed still work on these results"):
        hold_run_lock(path, patience=0.0)
    threading.Timer(1.0, os.killpg, (job.pid, signal.SIGKILL)).start()
    hold_run_lock(path).close()
    assert capfd.readouterr().err.splitlines() == ["darkroom: waiting for jobs that a killed run left working"]
    job.wait()


def test_jobs_share_the_lock_of_their_run(tmp_path: Path) -> None:
    path = tmp_path / "toybox"
    held = hold_run_lock(path)
    with path.open("a+", encoding="utf-8") as job:
        assert try_lock(job, fcntl.LOCK_SH)
        held.close()
        with path.open("a+", encoding="utf-8") as another:
            assert not try_lock(another, fcntl.LOCK_EX)


def test_a_file_system_without_locks_refuses_nobody(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "No locks available")))
        hold_run_lock(tmp_path / "toybox").close()


def test_a_writable_folder_is_left_as_it_was(tmp_path: Path) -> None:
    check_writable(tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        check_writable(tmp_path / "file" / "results")
