"""What a finished run leaves: every file of the contract, and the same bytes every time."""

import csv
import json
import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from checkout import Checkout, jobs, make_checkout
from event_reader import curves, read_events
from PIL import Image
from rerun_cases import config
from results_bytes import final_bytes, sha256
from safetensors import safe_open

from darkroom.runs.run_lock import hold_run_lock

MINI = ("--configfile", "config/mini.yaml")
COLUMNS = {
    "photos.csv": "path,photo,status,reason,of_path,width,height,format,taken_at",
    "duplicates.csv": "photo,group,kind,of,score",
    "masks.csv": "photo,coverage,x0,y0,x1,y1,pieces,holes,border,sha256",
    "quality.csv": "photo,sharpness,exposure,noise,compression",
    "selection.csv": "photo,selected,reason,split",
    "captions.csv": "photo,caption,model",
    "pocket-mini/frames.csv": "frame,photo,status,reason,x0,y0,x1,y1,width,height",
    "pocket-mini/captions.csv": "frame,caption,tokens",
    "pocket-mini/main/training/log.csv": "step,loss,lr,seconds",
    "pocket-mini/main/training/validation.csv": "step,loss,loss_se,untriggered_loss",
    "pocket-mini/main/evaluation/sample_scores.csv": "step,strength,number,seed,control,likeness,prompt_following",
    "pocket-mini/main/evaluation/scores.csv": "step,strength,likeness,likeness_se,prompt_following,prompt_following_se",
}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", COLUMNS)
def test_every_table_has_its_columns(finished_mini: Checkout, name: str) -> None:
    path = finished_mini.folder / "results" / "mini" / name
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [column for column in header if column in COLUMNS[name].split(",")] == COLUMNS[name].split(",")
    assert len(path.read_text(encoding="utf-8").splitlines()) > 1


def test_every_other_file_is_there(finished_mini: Checkout) -> None:
    results = finished_mini.folder / "results" / "mini"
    target, run = results / "pocket-mini", results / "pocket-mini" / "main"
    manifest = json.loads((target / "dataset" / "manifest.json").read_text())
    frames = [frame["frame"] for frame in manifest["frames"]]
    assert frames == sorted(frames)
    for frame in manifest["frames"]:
        picture = target / "dataset" / "images" / f"{frame['frame']}.png"
        assert sha256(picture) == frame["picture_sha256"]
        assert sha256(target / "dataset" / "masks" / f"{frame['frame']}.png") == frame["mask_sha256"]
        assert (target / "dataset" / "images" / f"{frame['frame']}.txt").read_text() == frame["caption"]
        assert Image.open(picture).size == (frame["width"], frame["height"])
    assert (target / "dataset" / "images" / "metadata.jsonl").exists()
    assert len(list((results / "masks").glob("*.png"))) == len(table(results / "masks.csv"))
    assert Image.open(results / "selection.jpg").width > 100
    assert Image.open(results / "masks.jpg").width > 100
    assert Image.open(run / "evaluation" / "grid.png").width > 100
    found = curves(read_events(run / "training" / "tensorboard"))
    assert list(found["training/loss"]) == [1, 2, 3, 4] and list(found["validation/loss"]) == [0, 2, 4]
    choice = json.loads((run / "evaluation" / "choice.json").read_text())
    assert set(choice) >= {"step", "strength", "reason"}
    names = {path.name for path in (run / "lora").iterdir()}
    assert names >= {"mini.safetensors", "mini.comfyui.safetensors", "README.md", "provenance.json"}
    with safe_open(run / "lora" / "mini.safetensors", "pt") as lora:
        assert len(list(lora.keys())) > 10


@pytest.mark.slow
def test_two_fresh_folders_give_the_same_bytes(tmp_path: Path) -> None:
    """Also where models run on two threads."""
    found = []
    for name in ("one place", "another place"):
        checkout = make_checkout(tmp_path / name)
        config("training_threads: 1}", "training_threads: 2, inference_threads: 2}")(checkout.folder)
        checkout.snakemake(*MINI)
        found.append(final_bytes(checkout, "mini"))
    assert found[0] == found[1]


def wait_for_training(checkout: Checkout, process: subprocess.Popen[str]) -> None:
    """Return once the training has saved a state and has a while to go."""
    for _ in range(3000):
        if process.poll() is not None:
            raise AssertionError("the run ended before it could be killed")
        if any((checkout.folder / ".darkroom" / "training").rglob("state.pt")):
            return
        time.sleep(0.1)
    raise AssertionError("no training state was saved")


@pytest.mark.slow
def test_a_training_killed_and_started_again_gives_the_same_bytes(mini: Checkout, tmp_path: Path) -> None:
    config("training: {", "training: {steps: 60, rank: 2, ")(mini.folder)
    undisturbed = mini.copy(tmp_path / "undisturbed")
    undisturbed.snakemake(*MINI)
    process = subprocess.Popen(
        ["snakemake", "--cores", "2", *MINI], cwd=mini.folder, env=mini.environment(), text=True, start_new_session=True
    )
    wait_for_training(mini, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    events = mini.folder / "results/mini/pocket-mini/main/training/tensorboard"
    assert list(events.iterdir())
    assert not (mini.folder / "results/mini/pocket-mini/main/training/log.csv").exists()
    resumed = mini.snakemake(*MINI)
    assert "train_lora" in jobs(resumed)
    logs = (mini.folder / "logs" / "mini" / "train_lora").rglob("*.log")
    assert any("going on after step" in log.read_text() for log in logs)
    assert final_bytes(mini, "mini") == final_bytes(undisturbed, "mini")
    assert list(curves(read_events(events))["training/loss"]) == list(range(1, 61))


def test_the_report_holds_the_pictures(mini: Checkout) -> None:
    mini.snakemake(*MINI, "--report", "report.zip")
    names = zipfile.ZipFile(mini.folder / "report.zip").namelist()
    assert any(name.endswith("grid.png") for name in names)
    assert any(name.endswith("selection.jpg") for name in names)


def test_a_second_run_beside_the_first_is_refused(mini: Checkout) -> None:
    config("training: {", "training: {steps: 5, ")(mini.folder)
    held = hold_run_lock(mini.folder / ".darkroom" / "locks" / "mini")
    refused = mini.snakemake(*MINI, check=False)
    held.close()
    assert refused.returncode == 1
    assert "another run works on these results" in refused.stderr
    assert jobs(refused).total() == 0
