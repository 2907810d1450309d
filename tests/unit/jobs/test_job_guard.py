"""A job ends with its run, and two processes of one job never work at the same time."""

import subprocess
from pathlib import Path

import pytest
from jobs_and_sleepers import job, name_of

from darkroom.storage.process_identity import this_process


def test_a_job_ends_with_its_run(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    process = job("import time; time.sleep(600)", name_of(sleeper), tmp_path, tmp_path / "log")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=2.5)
    sleeper.kill()
    assert process.wait(timeout=60) == 1
    assert "snakemake was killed, so this job ends, too" in (tmp_path / "log").read_text()


def test_a_job_of_a_dead_run_does_not_begin(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    name = name_of(sleeper)
    sleeper.kill()
    sleeper.wait()
    assert job("print('worked')", name, tmp_path, tmp_path / "log").wait(timeout=60) == 1
    text = (tmp_path / "log").read_text()
    assert "worked" not in text
    assert text.splitlines() == [line for line in text.splitlines() if line.startswith("darkroom: error: the run")]


def test_by_hand_and_on_another_machine_a_script_just_works(tmp_path: Path) -> None:
    for run in (None, "00000000-1-1"):
        assert job("print('worked')", run, tmp_path, tmp_path / "log").wait(timeout=60) == 0
        assert (tmp_path / "log").read_text() == "worked\n"


def test_two_processes_of_one_job_work_one_after_the_other(tmp_path: Path) -> None:
    body = "from pathlib import Path; import time; p = Path({path!r}); " + "; ".join(
        ["p.open('a').write('begin ')", "print('worked', flush=True)", "time.sleep(2)", "p.open('a').write('end ')"]
    )
    twins = [
        job(body.format(path=str(tmp_path / "stamps")), this_process(), tmp_path, tmp_path / "log") for _ in range(2)
    ]
    assert [process.wait(timeout=60) for process in twins] == [0, 0]
    assert (tmp_path / "stamps").read_text() == "begin end begin end "
    assert (tmp_path / "log").read_text() == "worked\n"
