"""A project as the rules see it: what they are told of photos, models, targets and runs."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.config.training import Recipe
from darkroom.errors import UserError
from darkroom.photo_folder.index import shard_of
from darkroom.runs.project import ModelSource, Project, fingerprint, load_project

ROOT = Path(__file__).parents[3]
SUBJECT = {"trigger": "zxq", "class": "toy", "kind": "object"}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a project of four photos in a working directory of its own, with changes of its config."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in "abcd":
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(name.encode())
    model = tmp_path / "segmenter.onnx"
    model.touch()
    base: dict[str, Any] = {
        "project": "box",
        "photos": "photos",
        "subject": SUBJECT,
        "targets": ["pocket-sdxl"],
        "masks": {"model": str(model)},
        "captioner": {"model": "resources/pocket/florence2"},
        "evaluation": {"clip": "resources/pocket/clip"},
        "shards": 3,
    }
    return lambda **changes: load_project({**base, **changes}, ROOT)


def test_every_file_is_in_one_shard_and_only_its_own_param_knows_it(load: Any, tmp_path: Path) -> None:
    before: Project = load()
    assert before.shards == ["0", "1", "2"]
    counts = [int(before.shard_files(shard).partition(",")[0]) for shard in before.shards]
    assert sum(counts) == len(before.files) == 4
    (tmp_path / "photos" / "a.jpg").write_bytes(b"another")
    after: Project = load()
    moved = {str(shard_of(file, 3)) for project in (before, after) for file in project.files if file.path == "a.jpg"}
    changed = {shard for shard in before.shards if before.shard_files(shard) != after.shard_files(shard)}
    assert changed == moved
    assert after.shard_files("7").startswith("0, ") and after.shard_files("01") == after.shard_files("1")


def test_a_fingerprint_does_not_depend_on_order() -> None:
    assert fingerprint(["a", "b"]) == fingerprint(["b", "a"]) != fingerprint(["a", "c"])
    assert fingerprint([]).startswith("0, sha256 ")


def test_a_supplied_mask_is_told_to_the_shard_of_its_photo(load: Any, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "b.png").write_bytes(b"mask")
    plain, supplied = load(), load(masks={"model": str(tmp_path / "segmenter.onnx"), "supplied": "masks"})
    own = next(file for file in plain.files if file.path == "b.jpg")
    told = {shard for shard in plain.shards if plain.shard_masks(shard) != supplied.shard_masks(shard)}
    assert told == {str(shard_of(own, 3))}
    assert Path(supplied.mask_index).exists() and not Path(plain.index).samefile(supplied.mask_index)


def test_models_are_those_that_the_settings_name(load: Any) -> None:
    plain = load()
    assert plain.helpers == ["captioner", "segmenter", "clip"] and plain.polishers("pocket-sdxl") == []
    duplicates = {"embedding": "hub/embedding", "embedding_revision": "v2"}
    more = load(duplicates=duplicates, masks={"model": "hub/sam", "box_model": "hub/florence"})
    assert more.helpers == ["captioner", "segmenter", "clip", "embedding", "box_finder"]
    assert more.model_source("embedding") == ModelSource("hub/embedding", "v2", "open_clip")
    assert more.model_source("segmenter") == ModelSource("hub/sam", "main")
    assert plain.model_source("pocket-sdxl").family == plain.model_source("pocket-sdxl").model_family == "sdxl"
    assert plain.model_source("captioner").model_family is None
    assert plain.models == [*plain.helpers, "pocket-sdxl", "pocket-sdxl.tokenizers"]
    assert all(plain.model_source(name).model for name in plain.models)
    whole, tokenizers = (plain.model_source(name) for name in plain.models[-2:])
    assert tokenizers == replace(whole, tokenizers=True)
    assert not plain.masks_by_torch and more.masks_by_torch


def test_arguments_are_quoted_for_a_shell() -> None:
    odd = ModelSource("my $(model)'s", "main", "sdxl")
    assert shlex.split(odd.to_arguments()) == ["--model", "my $(model)'s", "--revision", "main", "--family", "sdxl"]
    assert "--family" not in ModelSource("a", "main").to_arguments()
    assert ModelSource("a", "main", "sdxl", tokenizers=True).to_arguments().endswith("--family sdxl --tokenizers")


def test_what_any_run_needs_is_encoded(load: Any) -> None:
    assert load(training={"flip": False}).encoding_options("pocket-sdxl") == ""
    text = {"text_encoder": {"learning_rate": 1e-5, "rank": 4, "alpha": 4}}
    runs = {"main": {"flip": False}, "flipped": {"flip": True, "batch": 2}, "text": text}
    project = load(runs=runs, training={"steps": 25, "checkpoint_every": 10, "batch": 3})
    assert project.encoding_options("pocket-sdxl") == "--mirror --tokens"
    assert project.steps("pocket-sdxl", "text") == ["000010", "000020", "000025"]
    assert project.dataset_batch("pocket-sdxl") == 3
    compared = json.loads(project.compared_settings("pocket-sdxl", "flipped"))
    assert (compared["batch"], compared["flip"], compared["resolution"]) == (2, True, 64)
    assert compared["model"] == "resources/pocket/sdxl", "found in the checkout, which is elsewhere"
    assert Recipe.from_argument(project.recipe("pocket-sdxl", "flipped").to_argument()).training.batch == 2


def test_the_number_of_shards_is_in_no_provenance(load: Any) -> None:
    assert "shards" not in json.loads(load().recorded_config)
    assert load().recorded_config == load(shards=5).recorded_config


def test_a_job_on_the_cpu_asks_for_no_gpu(load: Any) -> None:
    cpu, gpu = (load(compute={"device": device, "training_threads": 2}) for device in ("cpu", "gpu"))
    assert (cpu.gpus, cpu.mask_gpus, gpu.gpus) == (0, 0, 1)
    assert json.loads(cpu.compute("inference_threads")) == {"device": "cpu", "inference_threads": 1}


@pytest.mark.parametrize("names", [["pocket-sdxl", "pocket-sdxl"], ["pocket-sdxl", "pocket-sdxl.yaml"]])
def test_two_targets_of_one_name_are_refused(load: Any, tmp_path: Path, names: list[str]) -> None:
    (tmp_path / "pocket-sdxl.yaml").write_text((ROOT / "config/targets/pocket-sdxl.yaml").read_text())
    with pytest.raises(UserError, match=r"^targets: pocket-sdxl is there twice; leave one out"):
        load(targets=names)


@pytest.mark.parametrize("label", ["clip", "embedding", "pocket-sdxl.polisher"])
def test_a_target_named_as_another_model_is_refused(load: Any, tmp_path: Path, label: str) -> None:
    path = tmp_path / f"{label}.yaml"
    path.write_text((ROOT / "config/targets/pocket-sdxl.yaml").read_text())
    with pytest.raises(UserError, match=f"^targets: {label} is the name of another model"):
        load(targets=["pocket-sdxl", str(path)])
