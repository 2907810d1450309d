"""One training on several processes: the same losses as alone, and the same bytes every time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from darkroom.errors import UserError
from darkroom.files import write_json
from darkroom.processes import this_process
from darkroom.settings import ComputeSettings
from darkroom.tables import read_table
from darkroom.training import processes
from darkroom.training.encodings import Encodings
from darkroom.training.model_files import lock_local
from darkroom.training.processes import launch
from darkroom.training.resume_state import Progress, checkpoints_of, finished_training, keep_finished
from darkroom.training.settings import PriorSettings, TrainingSettings, ValidationSettings

SCRIPT = Path(__file__).parents[3] / "scripts" / "train_lora.py"
SETTINGS = TrainingSettings(
    learning_rate=3e-3,
    rank=4,
    alpha=4,
    steps=6,
    batch=3,
    checkpoint_every=3,
    precision="fp32",
    gradient_checkpointing=False,
)


def command(model: Path, encodings: Encodings, processes: int, work: Path, settings: TrainingSettings) -> list[str]:
    """train_lora as its rule starts it."""
    write_json(work / "model.json", lock_local(str(model)).to_json())
    compute = ComputeSettings(device="cpu", training_threads=1, training_processes=processes)
    words = [sys.executable, str(SCRIPT), "--encodings", str(encodings.folder.with_suffix(".csv"))]
    words += ["--model", str(work / "model.json"), "--family", "sdxl", "--settings", settings.to_argument()]
    words += ["--prior", PriorSettings(weight=0.5).to_argument(), "--compute", compute.to_argument()]
    words += ["--validation", ValidationSettings(timesteps=3).to_argument(), "--states", str(work / "states")]
    words += ["--checkpoints", str(work / "checkpoints"), "--log", str(work / "log.csv")]
    words += ["--sums", str(work / "SHA256SUMS")]
    return [*words, "--losses", str(work / "validation.csv"), "--machine", str(work / "machine.json")]


def train(model: Path, encodings: Encodings, processes: int, work: Path) -> list[dict[str, str]]:
    """Run train_lora to its end and return the rows of its log."""
    words = command(model, encodings, processes, work, SETTINGS)
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("computed 6") == 1
    assert done.stdout.count("frames 4/4") == 1
    return read_table(work / "log.csv")


def test_two_processes_train_as_one_does_and_the_same_every_time(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    logs = {}
    for name, count in (("alone", 1), ("two", 2), ("again", 2)):
        (tmp_path / name).mkdir()
        logs[name] = train(tiny_model, tiny_encodings, count, tmp_path / name)
    for column in ("loss", "prior_loss", "grad_norm"):
        alone, two = ([float(row[column] or 0) for row in logs[name]] for name in ("alone", "two"))
        assert two == pytest.approx(alone, rel=1e-4, abs=1e-7)
    bytes_of = {name: [path.read_bytes() for path in checkpoints_of(tmp_path / name)] for name in logs}
    assert len(bytes_of["two"]) == 2
    assert bytes_of["two"] == bytes_of["again"]


def test_processes_that_cannot_be_spread_over_the_nodes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "job_nodes", lambda: ["one", "two"])
    with pytest.raises(UserError, match=r"training_processes: 3 .* make it a multiple of 2"):
        launch("train_lora.py", [], ComputeSettings(device="cpu", training_processes=3))


def test_a_finished_training_is_known_until_a_checkpoint_changes(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    checkpoint = tmp_path / "checkpoints" / "step-000002.safetensors"
    checkpoint.write_bytes(b"weights")
    (tmp_path / "state.pt").write_bytes(b"optimizer")
    assert finished_training(tmp_path) is None
    done = Progress(2, [{"step": 1}, {"step": 2}], [{"step": 0}], 1.5, machine={"processor": "x"})
    keep_finished(tmp_path, done)
    assert not (tmp_path / "state.pt").exists()
    assert finished_training(tmp_path) == Progress(2, done.log, done.validation, 1.5, 2, done.machine)
    checkpoint.write_bytes(b"others")
    assert finished_training(tmp_path) is None


def test_what_a_killed_job_has_started_ends_with_it(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path
) -> None:
    endless = SETTINGS.model_copy(update={"steps": 1_000_000, "checkpoint_every": 1_000_000})
    words = command(tiny_model, tiny_encodings, 2, tmp_path, endless)
    run = {"DARKROOM_RUN": this_process(), "DARKROOM_LOCK": str(tmp_path / "lock")}
    with (tmp_path / "job.log").open("w") as log:
        launcher = psutil.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=os.environ | run)
    end = time.monotonic() + 300
    while "train: " not in (tmp_path / "job.log").read_text() and launcher.is_running() and time.monotonic() < end:
        time.sleep(0.2)
    started = launcher.children(recursive=True)
    assert len(started) >= 3, (tmp_path / "job.log").read_text()
    launcher.kill()
    assert psutil.wait_procs(started, timeout=60)[1] == []
