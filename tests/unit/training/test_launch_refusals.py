"""What is wrong with a training ends train_lora in one clear line, and what an earlier one has left stays as it was."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
import train_lora
from tiny_models import save_tiny_sd15
from training_commands import SETTINGS, command

from darkroom.jobs.command import run_command
from darkroom.models.fetch import lock_local
from darkroom.storage.files import sha256_file, write_json
from darkroom.storage.tables import columns_of, read_table, write_table
from darkroom.training import lora_recipe, resume_state
from darkroom.training.encodings import Encoding, Encodings

SHORT = SETTINGS.model_copy(update={"steps": 4, "checkpoint_every": 2})


def files_of(folder: Path) -> dict[str, str]:
    """The sha256 of every file but the locks, which say nothing."""
    return {
        str(path): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file() and path.stem != "lock"
    }


class Training:
    """A command of train_lora in a folder, run within this process."""

    def __init__(self, model: Path, encodings: Encodings, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.work, self.monkeypatch = work, monkeypatch
        for name in ("encodings.csv", "encodings"):
            source, place = encodings.folder.parent / name, work / name
            shutil.copytree(source, place) if source.is_dir() else shutil.copyfile(source, place)
        self.words = command(model, replace(encodings, folder=work / "encodings"), 1, work, SHORT)[2:]

    def change(self, option: str, value: str) -> None:
        self.words[self.words.index(option) + 1] = value

    def set(self, group: str = "training", **values: Any) -> None:
        """Change values of a group of the recipe, right or wrong."""
        recipe = json.loads(self.words[self.words.index("--recipe") + 1])
        self.change("--recipe", json.dumps(recipe | {group: recipe[group] | values}))

    def run(self) -> int | str | None:
        """The exit code."""
        self.monkeypatch.setattr(sys, "argv", ["train_lora.py", *self.words])
        try:
            run_command(train_lora.main)
        except SystemExit as end:
            return end.code
        return 0


@pytest.fixture
def training(tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    """A training that has been run once, with all its files."""
    done = Training(tiny_model, tiny_encodings, tmp_path, monkeypatch)
    assert done.run() == 0
    return done


def lose_captions(training: Training) -> None:
    rows = read_table(training.work / "encodings.csv")
    empty = next(row["text"] for row in rows if row["kind"] == "empty")
    write_table(training.work / "encodings.csv", columns_of(Encoding), [row | {"text": empty} for row in rows])


def lose_weights(training: Training) -> None:
    model = shutil.copytree(json.loads((training.work / "model.json").read_text())["path"], training.work / "model")
    write_json(training.work / "model.json", lock_local(str(model)).to_json())
    (model / "unet" / "diffusion_pytorch_model.safetensors").unlink()


def take_another_family(training: Training) -> None:
    write_json(training.work / "model.json", lock_local(str(save_tiny_sd15(training.work / "sd15"))).to_json())


def use_nine_processes(training: Training) -> None:
    training.set("compute", training_processes=9)


def start_by_another_launcher(training: Training) -> None:
    training.monkeypatch.setenv("LOCAL_RANK", "0")


WRONG: dict[str, tuple[Callable[[Training], None], str]] = {
    "family": (lambda training: training.change("--family", "sdx"), "no 'sdx'; known families: flux, sd15, sdxl"),
    "batch": (lambda training: training.set(batch=5), "5 frames per step, but the dataset has 4 to train on"),
    "captions": (lose_captions, "every caption of the dataset is empty; look at captions.csv"),
    "weights": (lose_weights, "diffusion_pytorch_model.safetensors: this file of model "),
    "other weights": (take_another_family, "a model of Stable Diffusion 1.5, not of SDXL; set family: sd15"),
    "loss": (lambda training: training.set(weight_decay=1e38), "of step 2 is not a number; lower"),
    "rate": (lambda training: training.set(learning_rate=1.0), "learning_rate: adamw diverges at 1, a rate"),
    "settings": (lambda training: training.set(rnak=8), "'rnak'; did you mean 'rank'?"),
    "precision": (lambda training: training.set(precision="fp16"), "set training.precision: bf16 or fp32"),
    "launcher": (start_by_another_launcher, "another launcher, such as torchrun or accelerate, has started this"),
    "processes": (use_nine_processes, "9 processes cannot divide a step of 4 samples; set it to 4 or fewer"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_training_is_one_line_and_leaves_the_earlier_one(
    name: str, training: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message = WRONG[name]
    before = files_of(training.work / "checkpoints") | files_of(training.work / "states")
    assert len(before) == 2 * 2 + 1
    change(training)
    capsys.readouterr()
    assert training.run() == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("darkroom: error: ")]
    assert len(lines) == 1 and message in lines[0]
    after = files_of(training.work / "checkpoints") | files_of(training.work / "states")
    assert before.items() <= after.items()
    assert not any(path.endswith(".safetensors") for path in after.keys() - before.keys())


def test_a_full_gpu_is_one_line_that_names_no_setting_of_this_training(
    training: Training, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def out_of_memory(*arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(lora_recipe, "train_lora", out_of_memory)
    training.set(gradient_checkpointing=True, micro_batch=1)
    capsys.readouterr()
    assert training.run() == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("darkroom: error: ")]
    assert lines == ["darkroom: error: training: the GPU's memory does not suffice; set training.precision: bf16"]


def test_the_packages_of_a_training_count_and_need_not_all_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """bitsandbytes is not to be had on every system; transformers reads captions, safetensors the weights."""
    versions = {name: "1.0" for name in train_lora.PACKAGES if name != "bitsandbytes"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    found = [train_lora.code_hash("sdxl")]
    for name in ("transformers", "safetensors"):
        monkeypatch.setitem(versions, name, "2.0")
        found.append(train_lora.code_hash("sdxl"))
    assert len(set(found)) == 3


class AlwaysFull:
    """In the place of a file that is written whole or not at all: a device on which the disk is always full."""

    def __enter__(self) -> Path:
        return Path("/dev/full")

    def __exit__(self, *raised: object) -> None:
        """Nothing is put in place."""


def test_a_full_disk_is_one_line_and_the_training_goes_on_to_the_same_bytes(
    training: Training,
    tiny_model: Path,
    tiny_encodings: Encodings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The state of the last step finds no room; the kernel itself says so."""
    (tmp_path / "full").mkdir()
    other = Training(tiny_model, tiny_encodings, tmp_path / "full", monkeypatch)
    save = resume_state.save_state
    with monkeypatch.context() as patched:

        def save_state(path: Path, state: dict[str, Any]) -> None:
            if state["step"] == 4:
                patched.setattr(resume_state, "replacing", lambda path: AlwaysFull())
            save(path, state)

        patched.setattr(lora_recipe, "save_state", save_state)
        assert other.run() == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("darkroom: error: ")]
    assert len(lines) == 1 and "the disk is full; free some space on it" in lines[0]
    first = next((other.work / "states").rglob("step-000002.safetensors"))
    assert first.read_bytes() == (training.work / "checkpoints" / first.name).read_bytes()
    assert other.run() == 0
    assert "going on after step 2" in capsys.readouterr().err
    for step in (2, 4):
        ours, theirs = (each.work / "checkpoints" / f"step-{step:06d}.safetensors" for each in (other, training))
        assert ours.read_bytes() == theirs.read_bytes()
