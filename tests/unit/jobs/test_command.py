"""What every script does around its work: one line for what a user can mend."""

from pathlib import Path

from jobs_and_sleepers import job


def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert job("raise KeyboardInterrupt", None, tmp_path, log).wait(timeout=60) == 130
    assert log.read_text() == "darkroom: interrupted; what is finished is kept, and the same command goes on\n"


def test_a_job_without_memory_ends_in_one_line(tmp_path: Path) -> None:
    body = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); bytearray(2**32)"
    assert job(body, None, tmp_path, tmp_path / "log").wait(timeout=60) == 1
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("darkroom: error: the memory did not suffice")
