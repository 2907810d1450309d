"""Rebuilding: what is laid out for the workflow, and which cause is named."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from darkroom.errors import UserError
from darkroom.publishing.findings import (
    differing,
    lora_difference,
    manifest_finding,
    model_finding,
    photo_finding,
    published_findings,
    result_findings,
    told_settings_finding,
)
from darkroom.publishing.lora_files import write_lora
from darkroom.publishing.record import Record, read_record
from darkroom.publishing.reproduction import find_models, find_photos, lay_out, open_run_dir, rebuild
from darkroom.storage.files import sha256_bytes, write_json

ONE, TWO = sha256_bytes(b"one"), sha256_bytes(b"two")
FILES = {"config.json": sha256_bytes(b"{}"), "unet/x.safetensors": sha256_bytes(b"weights")}


def content() -> dict[str, Any]:
    """A record of two photos, a base model that lay here and a captioner of the Hub."""
    config = {
        "project": "box",
        "photos": "photos",
        "subject": {"trigger": "zxq", "class": "toy"},
        "targets": ["pocket"],
        "overrides": "mine.csv",
        "masks": {"model": "u2netp.onnx"},
        "captioner": {"model": "owner/florence", "revision": "main"},
        "evaluation": {"clip": "clip"},
        "duplicates": {"embedding": "owner/seer", "min_similarity": 0.8},
        "runs": {"main": {}, "wide": {"rank": 8}},
    }
    models = {
        "pocket": {"source": "models/base", "revision": "local", "files": FILES},
        "captioner": {"source": "owner/florence", "revision": "c" * 40, "files": FILES},
        "clip": {"source": "clip", "revision": "local", "files": FILES},
        "embedding": {"source": "owner/seer", "revision": "d" * 40, "files": FILES},
        "segmenter": {"source": "u2netp.onnx", "revision": "local", "files": {"u2netp.onnx": ONE}},
    }
    target = {"family": "sdxl", "model": "models/base", "captions": {"style": "sentence", "polish": "seer"}}
    frame = {"picture_sha256": "p", "mask_sha256": "m", "caption_sha256": "c"}
    return {
        **{"format": 2, "project": "box", "target": "pocket", "run": "wide"},
        "choice": {"step": 2, "strength": 1.0, "reason": "best"},
        "files": {"box.safetensors": "a" * 64},
        "dataset": {
            "manifest_sha256": "d" * 64,
            "photos": [{"sha256": ONE, "split": "train"}],
            "photos_not_used": [TWO],
            "frames": {ONE[:16]: frame},
            "sidecars": {ONE[:16]: "a toy"},
            "overrides": {TWO[:16]: {"keep": False, "box": [1, 2.5, 3, 4], "caption": 'a "toy", in\n/the/ sun'}},
        },
        "models": models,
        "settings": {"config": config, "target": target, "training": {}},
        **{"code": {"commit": None, "sha256": "e" * 64}, "packages": {}, "machine": {"gpu": None}},
    }


def record(folder: Path, **changes: Any) -> tuple[Record, Path]:
    path = folder / "record" / "provenance.json"
    write_json(path, content() | changes)
    return read_record(path), path


def model_folder(folder: Path) -> Path:
    """A model with the recorded files, and one more that was not there."""
    (folder / "unet").mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    (folder / "unet" / "x.safetensors").write_bytes(b"weights")
    (folder / "added_tokens.json").write_bytes(b"other")
    return folder


def test_exactly_what_is_recorded_is_laid_out(tmp_path: Path) -> None:
    made, _ = record(tmp_path)
    (tmp_path / "given" / "some where").mkdir(parents=True)
    (tmp_path / "given" / "b.png").write_bytes(b"one")
    (tmp_path / "given" / "some where" / "a.JPG").write_bytes(b"two")
    (tmp_path / "given" / "stranger.jpg").write_bytes(b"three")
    base, mask = model_folder(tmp_path / "elsewhere"), tmp_path / "mask.onnx"
    mask.write_bytes(b"one")
    work = tmp_path / "work"
    photos = find_photos(tmp_path / "given", work / "index.json")
    places = {"pocket": base, "captioner": None, "embedding": None, "clip": base, "segmenter": mask}
    made.models["second_segmenter"] = made.models["embedding"]
    made.models["pocket.polisher"] = made.models["embedding"]
    lay_out(made, photos, places | {"second_segmenter": None, "pocket.polisher": None}, work)
    names = sorted(path.name for path in (work / "photos_by_hash").iterdir())
    assert names == sorted([f"{ONE[:16]}.photo", f"{TWO[:16]}.photo", f"{ONE[:16]}.txt"])
    assert (work / "photos_by_hash" / f"{ONE[:16]}.photo").read_bytes() == b"one"
    assert sorted(path.name for path in (work / "models" / "base").iterdir()) == ["config.json", "unet"]
    config = yaml.safe_load((work / "rebuild.yaml").read_text())
    assert (config["photos"], config["targets"], config["overrides"]) == (
        "photos_by_hash",
        ["pocket.yaml"],
        "overrides.csv",
    )
    assert config["captioner"] == {"model": "owner/florence", "revision": "c" * 40}, "at the commit that was used"
    seer = {"embedding": "owner/seer", "embedding_revision": "d" * 40, "min_similarity": 0.8}
    assert config["duplicates"] == seer
    assert (work / config["masks"]["model"]).read_bytes() == b"one"
    assert (config["masks"]["second"], config["masks"]["second_revision"]) == ("owner/seer", "d" * 40)
    assert "box_model" not in config["masks"]
    assert (work / config["evaluation"]["clip"] / "config.json").read_bytes() == b"{}"
    target = yaml.safe_load((work / "pocket.yaml").read_text())
    assert target["model"] == "models/base", "LoRA files tell this name"
    assert target["captions"] == {"style": "sentence", "polish": "owner/seer", "polish_revision": "d" * 40}
    with (work / "overrides.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {"photo": TWO[:16], "keep": "no", "box": "1.0 2.5 3.0 4.0", "caption": 'a "toy", in\n/the/ sun'}


def test_models_are_found_where_they_are_given_or_recorded(tmp_path: Path) -> None:
    made, _ = record(tmp_path)
    model_folder(tmp_path / "here" / "models" / "base")
    found = find_models(made, {"clip": tmp_path / "mine"}, [tmp_path / "nowhere", tmp_path / "here"])
    assert found["pocket"] == tmp_path / "here" / "models" / "base"
    assert found["clip"] == tmp_path / "mine" and found["captioner"] is None
    states = {name: model_finding(name, model, found[name]).state for name, model in made.models.items()}
    assert states.pop("embedding") == "later"
    assert states == {"pocket": "same", "captioner": "later", "clip": "missing", "segmenter": "missing"}
    (tmp_path / "here" / "models" / "base" / "unet" / "x.safetensors").write_bytes(b"others")
    finding = model_finding("pocket", made.models["pocket"], found["pocket"])
    assert finding.state == "differs" and "unet/x.safetensors" in finding.detail


def test_missing_photos_are_listed(tmp_path: Path) -> None:
    made, _ = record(tmp_path)
    assert photo_finding(made, {ONE: tmp_path}).detail == f"1 of 2: {TWO}"
    assert not photo_finding(made, {ONE: tmp_path, TWO: tmp_path}).mismatch


def test_a_run_dir_goes_on_with_its_own_record_only(tmp_path: Path) -> None:
    made, path = record(tmp_path)
    work = tmp_path / "work"
    for _ in range(2):
        open_run_dir(work, path, made)
    _, other = record(tmp_path / "other", run="main")
    with pytest.raises(UserError, match="holds other things"):
        open_run_dir(work, other, made)
    open_run_dir(path.parent / "beside", path, made)
    (path.parent / next(iter(made.files))).touch()
    with pytest.raises(UserError, match="which is to be checked"):
        open_run_dir(path.parent / "lora", path, made)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"photos": [{"sha256": ONE, "split": "held_out"}]}, f"photo {ONE}: train recorded, held_out here"),
        ({"photos": [{"sha256": TWO, "split": "train"}]}, "not used recorded, train here"),
        (
            {"frames": {ONE[:16]: {"picture_sha256": "p", "mask_sha256": "x", "caption_sha256": "y"}}},
            "caption, mask differs",
        ),
    ],
)
def test_the_first_difference_of_a_dataset_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    made, _ = record(tmp_path)
    other, _ = record(tmp_path / "other", dataset=content()["dataset"] | change | {"manifest_sha256": "f" * 64})
    assert manifest_finding(made, made).state == "same"
    finding = manifest_finding(made, other)
    assert finding.mismatch and expected in finding.detail


def test_lora_files_differ_in_what_they_say_or_in_numbers(tmp_path: Path) -> None:
    metadata = {"ss_network_dim": "4", "sshs_model_hash": "x"}
    write_lora(tmp_path / "a", {"w": torch.ones(2)}, metadata)
    write_lora(tmp_path / "b", {"w": torch.ones(2)}, metadata | {"ss_network_dim": "2", "sshs_model_hash": "y"})
    write_lora(tmp_path / "c", {"w": torch.tensor([1.0, 1.25])}, metadata)
    write_lora(tmp_path / "e", {"w": torch.ones(3)}, metadata)
    (tmp_path / "d").write_bytes(b"no safetensors")
    assert lora_difference(tmp_path / "a", tmp_path / "b") == "the same tensors, other metadata"
    assert lora_difference(tmp_path / "a", tmp_path / "c") == "tensors differ by at most 0.25"
    assert lora_difference(tmp_path / "a", tmp_path / "e") == "tensors have other shapes"
    assert lora_difference(tmp_path / "a", tmp_path / "d").startswith("it cannot be compared")


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, ""), ({"ss_network_dim": "2"}, "ss_network_dim: published 4, here 2"), ({"ss_tag_frequency": "other"}, "")],
)
def test_a_published_file_tells_its_settings(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    made, path = record(tmp_path)
    metadata = {"ss_network_dim": "4", "ss_tag_frequency": "one"}
    write_lora(path.with_name("box.safetensors"), {"w": torch.ones(2)}, metadata)
    write_lora(tmp_path / "box.safetensors", {"w": torch.zeros(2)}, metadata | change)
    finding = told_settings_finding(made, path.parent, tmp_path)
    assert (finding.mismatch, finding.detail) == (bool(expected), expected)


def test_results_are_compared_by_the_record(tmp_path: Path) -> None:
    made, path = record(tmp_path)
    again, _ = record(tmp_path / "again")
    assert [finding for finding in result_findings(made, again, path.parent, tmp_path) if finding.mismatch] == []
    fetched = content()["models"]
    fetched["captioner"]["files"] = {**FILES, "config.json": TWO}
    other, _ = record(
        tmp_path / "other",
        models=fetched,
        files={"box.safetensors": "b" * 64},
        choice={"step": 4, "strength": 1.0, "reason": "best"},
    )
    findings = {finding.what: finding for finding in result_findings(made, other, path.parent, tmp_path)}
    assert {what for what, finding in findings.items() if finding.mismatch} == {
        "model captioner",
        "choice",
        "box.safetensors",
    }
    assert findings["choice"].detail == "step: recorded 2, here 4"
    assert findings["box.safetensors"].detail == f"recorded {'a' * 16}, here {'b' * 16}"
    assert published_findings(made, path.parent) == []
    path.with_name("box.safetensors").write_bytes(b"another LoRA")
    assert [finding.state for finding in published_findings(made, path.parent)] == ["differs"]


def test_settings_are_compared_however_deep() -> None:
    assert differing({"a": {"b": 1, "c": {}}, "d": [1]}, {"a": {"b": 2, "c": {}}, "e": None}) == [
        "a.b: recorded 1, here 2",
        "d: recorded [1], here nothing",
    ]


def test_a_workflow_that_fails_builds_nothing(tmp_path: Path) -> None:
    made, _ = record(tmp_path)
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "Snakefile").write_text("raise ValueError('no')\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "rebuild.yaml").write_text("project: box\n")
    assert rebuild(made, tmp_path / "work", tmp_path / "checkout", "1", {}) is None
