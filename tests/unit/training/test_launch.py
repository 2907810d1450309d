"""One training on several processes: the same losses as alone, and the same bytes every time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from event_reader import curves, read_events
from table_rows import logged_step, validation
from training_commands import SCRIPT, SETTINGS, command

from darkroom.config.base import ComputeSettings
from darkroom.config.training import MOST_STEPS, PriorSettings, TrainingSettings, ValidationSettings
from darkroom.contracts.training_tables import LoggedStep, read_log
from darkroom.errors import UserError
from darkroom.families import sdxl
from darkroom.storage.process_identity import this_process
from darkroom.training import launch as launching
from darkroom.training.encodings import Encodings
from darkroom.training.launch import launch, refuse_other_launchers
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.resume_state import SavingClock, TrainingState, checkpoints_of, finished_training, keep_finished
from darkroom.training.worker_failures import FAILURES
from darkroom.training.worker_launcher import exit_code


def train(
    model: Path, encodings: Encodings, processes: int, work: Path, settings: TrainingSettings = SETTINGS
) -> list[dict[str, str]]:
    """Run train_lora to its end and return the rows of its log."""
    work.mkdir()
    words = command(model, encodings, processes, work, settings)
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"computed {settings.steps}") == 1
    assert done.stdout.count("frames 4/4") == 1
    assert list(curves(read_events(work / "tensorboard"))["training/loss"]) == list(range(1, settings.steps + 1))
    return read_log(work / "log.csv")


def train_alone(
    model: Path, encodings: Encodings, work: Path, settings: TrainingSettings = SETTINGS
) -> list[LoggedStep]:
    """The log of the same training in this process."""
    compute = ComputeSettings(device="cpu", training_threads=1)
    recipe = Recipe(settings, PriorSettings(weight=0.5), ValidationSettings(timesteps=3), compute)
    return train_lora(sdxl, model, encodings, recipe, work, SavingClock()).log


def test_two_processes_train_as_one_does_and_the_same_every_time(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    alone_log = train_alone(tiny_model, tiny_encodings, tmp_path / "alone")
    two_log, _ = (train(tiny_model, tiny_encodings, 2, tmp_path / name) for name in ("two", "again"))
    for column in ("loss", "prior_loss", "grad_norm"):
        alone, two = ([getattr(row, column) or 0.0 for row in log] for log in (alone_log, two_log))
        assert two == pytest.approx(alone, rel=1e-4, abs=1e-7)
    one, other = ([path.read_bytes() for path in checkpoints_of(tmp_path / name)] for name in ("two", "again"))
    assert len(one) == 2 and one == other


@pytest.mark.slow
def test_two_processes_give_the_loss_of_one_that_accumulates(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    losses = []
    for count, micro_batch in ((1, 2), (2, None)):
        settings = SETTINGS.model_copy(update={"batch": 4, "steps": 20, "micro_batch": micro_batch, "ema_decay": 0.9})
        log = train(tiny_model, tiny_encodings, count, tmp_path / str(count), settings)
        losses.append([row.loss for row in log])
    assert len(losses[0]) == 20
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_processes_that_cannot_be_spread_over_the_nodes_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(launching, "job_nodes", lambda: ["one", "two"])
    with pytest.raises(UserError, match=r"training_processes: 3 .* make it a multiple of 2"):
        launch("train_lora.py", [], ComputeSettings(device="cpu", training_processes=3), tmp_path)


FAILING = """
import os, signal, sys, time
from pathlib import Path
from darkroom.jobs.command import run_command
from darkroom.errors import UserError
from darkroom.training.launch import noting_failures

def main():
    first = os.environ["RANK"] == "0"
    if sys.argv[1] == "mistake" and first:
        raise UserError("training.rank: wrong; set it right")
    if sys.argv[1] == "mistake":
        while not list(Path(os.environ["DARKROOM_FAILURES"]).glob("[0-9]*.mistake")):
            time.sleep(0.01)
        raise RuntimeError("Connection closed by peer")
    if sys.argv[1] == "crash" and first:
        raise ValueError("a fault of the program")
    if sys.argv[1] == "kill" and first:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)

run_command(noting_failures(main))
"""


def fail(how: str, folder: Path) -> None:
    """Launch two processes that fail."""
    (folder / "failing.py").write_text(FAILING)
    compute = ComputeSettings(device="cpu", training_threads=1, training_processes=2)
    try:
        launch(str(folder / "failing.py"), [how], compute, folder / "work")
    finally:
        assert not (folder / "work" / "failures").exists()


def test_a_mistake_of_the_user_is_one_line_for_all_processes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What only followed from it in the others is not told."""
    with pytest.raises(UserError, match=r"^training.rank: wrong; set it right$"):
        fail("mistake", tmp_path)
    assert capfd.readouterr().err == ""


def test_a_crash_of_one_process_is_told_once_and_whole(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        fail("crash", tmp_path)
    assert end.value.code == 1
    told = capfd.readouterr().err
    assert told.startswith("Traceback") and told.endswith("ValueError: a fault of the program\n")
    assert told.count("Traceback") == 1 and "ChildFailedError" not in told


def test_a_killed_process_is_told_as_that_of_a_training_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        fail("kill", tmp_path)
    assert end.value.code == 137
    assert capfd.readouterr().err == "darkroom: a process of the training was ended by SIGKILL\n"


@pytest.mark.parametrize(
    ("codes", "code"), [([1, -15], 1), ([-15, 3], 3), ([1, -9], 137), ([-11, 1, -15], 139), ([-15, -15], 143)]
)
def test_the_exit_code_is_that_of_the_process_that_failed_first(codes: list[int], code: int) -> None:
    assert exit_code(codes) == code


def test_two_processes_meet_a_mistake_as_one_does(tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path) -> None:
    """Weights that are no numbers after the first step: both see it."""
    settings = SETTINGS.model_copy(update={"weight_decay": 1e38})
    with pytest.raises(UserError, match="the loss of step 2 is not a number") as alone:
        train_alone(tiny_model, tiny_encodings, tmp_path / "alone", settings)
    words = command(tiny_model, tiny_encodings, 2, tmp_path, settings)
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if not line.startswith(("train: ", "train_lora: "))]
    assert told == [f"darkroom: error: {alone.value}"]


def test_a_process_of_another_launcher_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_other_launchers()
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "1")
    assert not launching.is_worker() and launching.is_first()
    with pytest.raises(UserError, match=r"LOCAL_RANK: another launcher.* set compute\.training_processes$"):
        refuse_other_launchers()
    monkeypatch.setenv(FAILURES, "failures")
    refuse_other_launchers()
    assert launching.is_worker() and not launching.is_first()


def test_a_finished_training_is_known_until_a_checkpoint_changes(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    checkpoint = tmp_path / "checkpoints" / "step-000002.safetensors"
    checkpoint.write_bytes(b"weights")
    (tmp_path / "state.pt").write_bytes(b"optimizer")
    assert finished_training(tmp_path) is None
    done = TrainingState(
        2, [logged_step(1, 0.5), logged_step(2, 0.4)], [validation(0, 0.5)], 1.5, machine={"processor": "x"}
    )
    keep_finished(tmp_path, done)
    assert not (tmp_path / "state.pt").exists()
    assert finished_training(tmp_path) == TrainingState(2, done.log, done.validation, 1.5, 2, done.machine)
    checkpoint.write_bytes(b"others")
    assert finished_training(tmp_path) is None


ENDLESS = """
import sys, time
from pathlib import Path
from darkroom.jobs.command import run_command
from darkroom.config.base import ComputeSettings
from darkroom.training.launch import is_worker, launch, noting_failures

def main():
    if is_worker():
        print("train: ", flush=True)
        time.sleep(600)
    compute = ComputeSettings(device="cpu", training_threads=1, training_processes=2)
    launch(__file__, sys.argv[1:], compute, Path(sys.argv[1]))

run_command(noting_failures(main))
"""


def kill_at_work(words: list[str], folder: Path) -> None:
    """Kill a job once its two processes train; nothing of what it has started goes on."""
    run = {"DARKROOM_RUN": this_process(), "DARKROOM_LOCK": str(folder / "lock"), "PYTHONPATH": str(SCRIPT.parent)}
    with (folder / "job.log").open("w") as log:
        launcher = psutil.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=os.environ | run)
    end = time.monotonic() + 300
    while "train: " not in (folder / "job.log").read_text() and launcher.is_running() and time.monotonic() < end:
        time.sleep(0.2)
    started = launcher.children(recursive=True)
    assert len(started) >= 3, (folder / "job.log").read_text()
    launcher.kill()
    assert psutil.wait_procs(started, timeout=60)[1] == []


def test_what_a_killed_job_has_started_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    kill_at_work([sys.executable, str(tmp_path / "endless.py"), str(tmp_path / "work")], tmp_path)


@pytest.mark.slow
def test_the_processes_of_a_killed_training_end_with_it(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    endless = SETTINGS.model_copy(update={"steps": MOST_STEPS, "checkpoint_every": MOST_STEPS})
    kill_at_work(command(tiny_model, tiny_encodings, 2, tmp_path, endless), tmp_path)
