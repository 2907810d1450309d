"""Work in a process of its own: results and errors come back, a crash ends nothing else."""

import faulthandler
import os
import signal
from pathlib import Path

import pytest

from darkroom.jobs.crash_isolation import Crash, in_own_process


def work(task: str) -> tuple[str, int]:
    if task in ("SIGSEGV", "SIGABRT", "SIGKILL", "SIGTERM"):
        # Else pytest tells of the crash at length.
        faulthandler.disable()
        os.kill(os.getpid(), signal.Signals[task])
    if task == "full":
        raise OSError(28, "No space left on device", "/some/file")
    if task == "exit":
        os._exit(3)
    return task, os.getpid()


def test_results_come_from_one_other_process() -> None:
    with in_own_process(work) as call:
        processes = {call(task) for task in ("a", "a", "a")}
    assert len(processes) == 1 and os.getpid() not in {process for _, process in processes}


def test_crashes_are_told_and_the_next_call_works() -> None:
    with in_own_process(work) as call:
        for name in ("SIGSEGV", "SIGABRT"):
            with pytest.raises(Crash, match=name):
                call(name)
            assert call("b")[0] == "b"


def test_errors_are_raised_here() -> None:
    with in_own_process(work) as call:
        with pytest.raises(OSError, match="No space") as caught:
            call("full")
        assert (caught.value.errno, caught.value.filename) == (28, "/some/file")
        with pytest.raises(MemoryError):
            call("SIGKILL")
        for task in ("SIGTERM", "exit"):
            with pytest.raises(RuntimeError, match="ended with"):
                call(task)


def test_nothing_stays_behind() -> None:
    with in_own_process(work) as call:
        process = call("a")[1]
    assert not Path(f"/proc/{process}").exists()
    with in_own_process(work):
        pass
