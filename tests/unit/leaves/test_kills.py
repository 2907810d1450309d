"""What a kill, a full disk or too little memory may leave: nothing half-written, one line, and no orphan at work."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from darkroom.cache import Cache, cache_key, remember
from darkroom.errors import UserError, lacks_memory, user_error
from darkroom.files import TEMPORARY_NAME, replacing
from darkroom.leftovers import clear_temporary_files
from darkroom.processes import is_alive, this_process

SCRIPTS = Path(__file__).parents[3] / "scripts"
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def job(body: str, run: str | None, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """A script of one body, as a job of a run (a process's name) or by hand, with its log."""
    code = f"from darkroom.command import run_command\ndef main():\n    {body}\nrun_command(main)\n"
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


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, to be killed."""
    process = subprocess.Popen(SLEEPER)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_its_place_number_and_beginning(sleeper: subprocess.Popen[bytes]) -> None:
    assert is_alive(this_process()) is True
    name = name_of(sleeper)
    assert is_alive(name) is True
    place, number, began = name.split("-")
    assert is_alive(f"{place}-{number}-{int(began) - 1}") is False
    assert is_alive(f"00000000-{number}-{began}") is None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(name) is False


def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert job("raise KeyboardInterrupt", None, tmp_path, log).wait(timeout=60) == 130
    assert log.read_text() == "darkroom: interrupted; what is finished is kept, and the same command goes on\n"


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


def test_temporary_files_go_once_their_writers_have_ended(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    gone = name_of(sleeper)
    sleeper.kill()
    sleeper.wait()
    for process in (gone, this_process(), "00000000-1-1"):
        (tmp_path / f".masks.csv.{process}-abcd_123.csv").write_bytes(b"half")
    (tmp_path / ".hidden.csv").write_bytes(b"a user's")
    assert clear_temporary_files(tmp_path, alone=False) == 1
    os.utime(tmp_path / ".masks.csv.00000000-1-1-abcd_123.csv", (0, 0))
    assert clear_temporary_files(tmp_path, alone=False) == 1
    (tmp_path / ".masks.csv.00000000-1-1-abcd_123.csv").write_bytes(b"half")
    assert clear_temporary_files(tmp_path, alone=True) == 1
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".hidden.csv", f".masks.csv.{this_process()}-abcd_123.csv"}


def test_a_file_being_written_has_a_temporary_name(tmp_path: Path) -> None:
    for name in ("masks.csv", "no_suffix", "a.b.safetensors", "x" * 80 + ".png"):
        with replacing(tmp_path / name) as temporary:
            match = TEMPORARY_NAME.match(temporary.name)
            assert match is not None
            assert match[1] == this_process()
            assert temporary.suffix == Path(name).suffix or name == "no_suffix"
    assert not TEMPORARY_NAME.match(".snakemake_timestamp")


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 20, b"\xff\xfe"])
def test_a_damaged_result_is_computed_anew(tmp_path: Path, damage: bytes) -> None:
    def compute(names: Sequence[str]) -> Iterator[tuple[str, int]]:
        yield from ((name, 1) for name in names)

    cache, keys = Cache(tmp_path), {"a": cache_key(photo="a"), "b": cache_key(photo="b")}
    remember(cache, keys, compute)
    cache.path(keys["a"]).write_bytes(damage)
    assert remember(cache, keys, compute) == ({"a": 1, "b": 1}, 1)
    assert remember(cache, keys, compute)[1] == 0


def test_an_emptied_picture_is_missing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store_bytes("key", ".png", b"picture")
    assert cache.has("key", ".png")
    cache.path("key", ".png").write_bytes(b"")
    assert not cache.has("key", ".png")
    assert not cache.has("other", ".png")
    assert cache.load_bytes("key", ".png") is None


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota is used up"), (errno.EROFS, "read-only file system")],
)
def test_trouble_with_the_disk_names_the_file_and_not_its_temporary_one(
    tmp_path: Path, number: int, words: str
) -> None:
    path = tmp_path / "masks.csv"
    for name in (None, "temporary"):
        with pytest.raises(OSError) as caught, replacing(path) as temporary:
            raise OSError(number, "trouble", None if name is None else str(temporary))
        line = str(user_error(caught.value))
        assert line.startswith(f"{path}: ")
        assert words in line
        assert "finished work is kept" in line
    assert list(tmp_path.iterdir()) == []


def test_a_loader_that_lacks_memory_or_disk_does_not_call_the_model_broken() -> None:
    for cause in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")):
        try:
            try:
                raise cause
            except (MemoryError, RuntimeError):
                raise UserError("model: it does not load") from None
        except UserError as error:
            assert "memory did not suffice" in str(user_error(error))
    assert str(user_error(UserError("a: wrong"))) == "a: wrong"
    assert user_error(ValueError("a fault")) is None
    assert not lacks_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))


def test_what_torch_and_opencv_say_without_memory_is_understood() -> None:
    cv2, numpy, torch = (pytest.importorskip(name) for name in ("cv2", "numpy", "torch"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert lacks_memory(caught.value)
    with pytest.raises(cv2.error) as refused:
        cv2.resize(numpy.zeros((2, 2), numpy.uint8), (2**20, 2**20))
    assert lacks_memory(refused.value)


def test_a_job_without_memory_ends_in_one_line(tmp_path: Path) -> None:
    body = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); bytearray(2**32)"
    assert job(body, None, tmp_path, tmp_path / "log").wait(timeout=60) == 1
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("darkroom: error: the memory did not suffice")
