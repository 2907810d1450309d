"""A LoRA built again from its record and photos under other names: the same bytes, or the cause named."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout

RECORD = "results/mini/pocket-mini/main/lora/provenance.json"
PHOTOS = "resources/toybox/photos/garden"
MINI = ("--configfile", "config/mini.yaml")


def reproduce(checkout: Checkout, record: Path, photos: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/reproduce.py as a user would."""
    command = [sys.executable, "scripts/reproduce.py", str(record), str(photos), "--cores", "2", *arguments]
    return subprocess.run(
        command, cwd=checkout.folder, env=checkout.environment(), capture_output=True, text=True, timeout=1200
    )


def shuffled(source: Path, folder: Path) -> Path:
    """The photos alone, without the texts beside them, under names in another order and in folders of their own."""
    for number, path in enumerate(sorted(source.rglob("*.jpg"), reverse=True)):
        (folder / str(number % 3)).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / str(number % 3) / f"holiday {number}.JPEG")
    return folder


def edited(record: Path, place: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a record, changed by hand, with the LoRA files beside it."""
    shutil.copytree(record.parent, place)
    content = json.loads(record.read_text())
    change(content)
    (place / record.name).write_text(json.dumps(content))
    return place / record.name


def everything_below(folder: Path) -> dict[str, tuple[str, int]]:
    """The sha256 and the time of every file."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The state of each line of the table by what it is about: `photos` and `model clip`, one and two words."""
    table = {}
    for line in done.stdout.splitlines()[:-1]:
        words = line.split()
        place = next(number for number, word in enumerate(words) if word in ("same", "differs", "missing", "later"))
        table[" ".join(words[:place])] = words[place]
    return table


def verdict(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[-1]


def test_a_changed_photo_is_missing_and_named(finished_mini: Checkout, tmp_path: Path) -> None:
    photos = shuffled(finished_mini.folder / PHOTOS, tmp_path / "photos")
    used = json.loads((finished_mini.folder / RECORD).read_text())["dataset"]["photos"][0]["sha256"]
    hashes = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in photos.rglob("*.JPEG")}
    (changed,) = (path for path, sha256 in hashes.items() if sha256 == used)
    changed.write_bytes(changed.read_bytes() + b"x")
    done = reproduce(finished_mini, finished_mini.folder / RECORD, photos, "--work", str(tmp_path / "work"))
    assert done.returncode == 1
    assert verdict(done).startswith("reproduce: DIFFERENT: photos missing: 1 of ")
    assert verdict(done).endswith(used)
    assert not (tmp_path / "work" / "results").exists()


def test_another_model_is_named_with_its_file(finished_mini: Checkout, tmp_path: Path) -> None:
    photos = shuffled(finished_mini.folder / PHOTOS, tmp_path / "photos")
    model = Path(shutil.copytree(finished_mini.folder / "resources/pocket/clip", tmp_path / "clip"))
    (model / "open_clip_config.json").write_text((model / "open_clip_config.json").read_text() + "\n")
    done = reproduce(
        finished_mini,
        finished_mini.folder / RECORD,
        photos,
        *("--work", str(tmp_path / "work"), "--model", f"clip={model}"),
    )
    assert done.returncode == 1
    assert f"model clip differs: {model}/open_clip_config.json" in verdict(done)
    assert rows(done)["model captioner"] == "same"


def test_settings_that_contradict_each_other_are_named(finished_mini: Checkout, tmp_path: Path) -> None:
    photos = shuffled(finished_mini.folder / PHOTOS, tmp_path / "photos")
    record = edited(
        finished_mini.folder / RECORD,
        tmp_path / "record",
        lambda content: content["settings"]["training"].update(rank=2),
    )
    done = reproduce(finished_mini, record, photos, "--work", str(tmp_path / "work"))
    assert done.returncode == 1
    assert "training.rank: recorded 2, but config and target give 4" in verdict(done)


@pytest.mark.parametrize(
    ("change", "arguments", "expected"),
    [
        (lambda content: content.pop("format"), [], "its format is None"),
        (lambda content: content["models"]["clip"].update(source="../../away"), [], "a relative path without '..'"),
        (lambda content: content.update(project="../away"), [], "key 'project'"),
        (lambda content: content["settings"]["config"].update(shardz=3), [], "did you mean 'shards'?"),
        (lambda content: None, ["--model", "clap=x"], "the record has no model 'clap'"),
        (lambda content: None, ["--model", "clip"], "not of the form NAME=PATH"),
        (lambda content: None, ["--work", "results/mini/again"], "which is to be checked"),
        (lambda content: None, ["--work", "scripts"], "holds other things"),
    ],
)
def test_mistakes_are_one_clear_line(
    mini: Checkout, tmp_path: Path, change: Callable[[dict[str, Any]], object], arguments: list[str], expected: str
) -> None:
    record = mini.folder / RECORD
    content = json.loads(record.read_text())
    change(content)
    record.write_text(json.dumps(content))
    done = reproduce(mini, record, mini.folder / PHOTOS, *(arguments or ["--work", str(tmp_path / "work")]))
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert len(lines) == 1 and lines[0].startswith("darkroom: error:") and expected in lines[0]


@pytest.fixture(scope="module")
def decided(finished_mini: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A run with decisions of the user: a photo dropped, a box, a caption; and a text beside a photo."""
    checkout = finished_mini.copy(tmp_path_factory.mktemp("decided") / "darkroom")
    names = [
        path.name for path in sorted((checkout.folder / PHOTOS).glob("IMG_04[12]*.jpg")) if "copy" not in path.name
    ]
    text = (
        f'photo,keep,box,caption\n{names[0]},no,,\n{names[1]},yes,8 8 120 120,\n{names[2]},yes,,"a toy, in /the/ sun"\n'
    )
    (checkout.folder / "mine.csv").write_text(text)
    config = checkout.folder / "config" / "mini.yaml"
    config.write_text(config.read_text() + "overrides: mine.csv\n")
    checkout.snakemake(*MINI)
    return checkout


@pytest.mark.slow
def test_the_same_bytes_from_nothing_and_the_cause_where_they_differ(decided: Checkout, tmp_path: Path) -> None:
    record, work = decided.folder / RECORD, tmp_path / "work"
    dataset = json.loads(record.read_text())["dataset"]
    assert len(dataset["overrides"]) == 3 and len(dataset["sidecars"]) == 1 and dataset["photos_not_used"]
    photos = shuffled(decided.folder / PHOTOS, tmp_path / "photos")
    before = everything_below(decided.folder)

    done = reproduce(decided, record, photos, "--work", str(work))
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdict(done) == "reproduce: same bytes"
    assert set(rows(done).values()) == {"same"}
    assert {"photos", "model clip", "settings", "code", "packages", "machine", "manifest", "choice"} < set(rows(done))
    for name in ("mini.safetensors", "mini.comfyui.safetensors"):
        assert (work / RECORD).with_name(name).read_bytes() == record.with_name(name).read_bytes()
        assert rows(done)[name] == "same"
    changed = {path for path, state in everything_below(decided.folder).items() if before.get(path) != state}
    assert {path for path in changed if "__pycache__" not in path} == set()

    another_version(decided, record, photos, work, tmp_path)
    another_rank(decided, record, photos, work, tmp_path)


def another_version(decided: Checkout, record: Path, photos: Path, work: Path, folder: Path) -> None:
    """A record of another version is warned of before and named after, and the bytes are still the same."""
    old = edited(record, folder / "old", lambda content: content["packages"].update(torch="1.0"))
    shutil.copyfile(old, work / "provenance.json")
    done = reproduce(decided, old, photos, "--work", str(work))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reproduce: warning: packages differs: torch: recorded 1.0, here" in done.stderr
    assert rows(done)["packages"] == "differs"
    assert verdict(done) == "reproduce: same bytes"


def another_rank(decided: Checkout, record: Path, photos: Path, work: Path, folder: Path) -> None:
    """A record of another rank builds another LoRA; the published file's own words name the setting."""

    def change(content: dict[str, Any]) -> None:
        content["settings"]["training"]["rank"] = content["settings"]["target"]["training"]["rank"] = 2

    other = edited(record, folder / "other", change)
    shutil.copyfile(other, work / "provenance.json")
    done = reproduce(decided, other, photos, "--work", str(work))
    assert done.returncode == 1
    assert verdict(done).startswith("reproduce: DIFFERENT: settings in the files differs: ")
    assert "ss_network_dim: published 4, here 2" in verdict(done)
    assert rows(done)["mini.safetensors"] == "differs"
    assert rows(done)["manifest"] == "same"
