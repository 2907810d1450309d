"""The config names what is wrong and the nearest right key."""

import json
from pathlib import Path

import pytest

from darkroom.config import (
    Config,
    check,
    check_models,
    load_target,
    read_yaml,
    run_training,
    schemas,
    target_label,
    with_found_paths,
)
from darkroom.config_reference import reference
from darkroom.errors import UserError

ROOT = Path(__file__).parents[3]
SMALLEST = {
    "project": "jenna",
    "photos": "data/jenna",
    "subject": {"trigger": "jenna_char", "class": "woman", "kind": "character"},
    "targets": ["sdxl-12gb"],
}


def test_the_smallest_config_is_enough() -> None:
    config = check(Config, SMALLEST, "config")
    assert config.subject.subject_class == "woman"
    assert config.compute.device == "gpu"
    assert list(config.runs) == ["main"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shardz": 3}, "unknown key 'shardz'; did you mean 'shards'?"),
        ({"selection": {"min_sied": 3}}, "unknown key 'selection.min_sied'; did you mean 'min_side'?"),
        ({"subject": {"trigger": "x", "clas": "y"}}, "did you mean 'class'?"),
        ({"selection": {"qqqqqqqq": 3}}, "known keys here: held_out"),
        ({"shards": "many"}, "key 'shards'"),
        ({"shards": 0}, "greater than or equal to 1"),
        ({"project": "../away"}, "key 'project'"),
        ({"runs": {"a/b": {}}}, "run label 'a/b'"),
        ({"targets": []}, "key 'targets'"),
        ({"subject": {"trigger": "", "class": "toy"}}, "key 'subject.trigger'"),
        ({"evaluation": {"prompts": ["{sub} on grass"]}}, "{subject} and {class} only"),
        ({"compute": {"device": "tpu"}}, "'cpu' or 'gpu'"),
    ],
)
def test_wrong_keys_are_one_line(change: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        check(Config, SMALLEST | change, "my.yaml")
    assert expected in str(error.value)
    assert str(error.value).startswith("my.yaml: ")
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UserError, match="key 'photos' is missing"):
        check(Config, {key: value for key, value in SMALLEST.items() if key != "photos"}, "my.yaml")


def test_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'sdxl-12gb'"):
        load_target("sdxl-12g", ROOT)


def test_a_target_may_be_a_path(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("family: sdxl\nmodel: a/b\ntraining: {rank: 3}\n")
    assert load_target(str(own), ROOT).training.rank == 3
    assert target_label(str(own)) == "mine"


def test_what_is_not_in_the_working_directory_is_the_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resources" / "pocket" / "clip").mkdir(parents=True)
    captioner = {"model": "resources/pocket/florence2"}
    given = SMALLEST | {"captioner": captioner, "evaluation": {"clip": "resources/pocket/clip"}}
    found = with_found_paths(check(Config, given, "my.yaml"), ROOT)
    assert found.captioner.model == f"{ROOT}/resources/pocket/florence2", "it lies in the checkout alone"
    assert found.evaluation.clip == "resources/pocket/clip", "the working directory has it, so it is taken"
    assert found.photos == "data/jenna", "nobody has it: the error shall say what was written"
    assert load_target("pocket-mini", ROOT).model == f"{ROOT}/resources/pocket/sdxl"
    assert load_target("config/targets/pocket-mini.yaml", ROOT) == load_target("pocket-mini", ROOT)
    assert load_target("sdxl-12gb", ROOT).model == "stabilityai/stable-diffusion-xl-base-1.0"


def test_runs_overlay_project_and_target() -> None:
    target = load_target("pocket-sdxl", ROOT)
    training = run_training(target, {"steps": 7, "rank": 2}, {"rank": 5}, "runs.wide")
    assert (training.steps, training.rank, training.layers) == (7, 5, target.training.layers)
    with pytest.raises(UserError, match=r"runs.wide: unknown key 'rnak'; did you mean 'rank'"):
        run_training(target, {}, {"rnak": 5}, "runs.wide")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    config = check(Config, SMALLEST | {"captioner": {"model": "./models/none"}, "masks": {"model": str(tmp_path)}}, "c")
    with pytest.raises(UserError, match=r"captioner.model: there is no model at ./models/none"):
        check_models(config, {})


def test_a_missing_file_of_overrides_is_named() -> None:
    with pytest.raises(UserError, match=r"overrides: there is no file nowhere.csv"):
        check_models(check(Config, SMALLEST | {"overrides": "nowhere.csv"}, "c"), {})


def test_broken_yaml_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(UserError) as error:
        read_yaml(tmp_path / "bad.yaml")
    assert "\n" not in str(error.value)


def test_settings_survive_the_command_line() -> None:
    config = check(Config, SMALLEST, "config")
    for part in (config.subject, config.selection, config.captioner, config.evaluation, config.compute):
        assert type(part).from_argument(part.to_argument()) == part


@pytest.mark.parametrize("name", ["config", "target"])
def test_schemas_are_in_step_with_the_types(name: str) -> None:
    written = json.loads((ROOT / "workflow" / "schemas" / f"{name}.schema.json").read_text())
    assert written == schemas()[name], "run `make schema`"


def test_the_manual_lists_every_key_with_its_meaning() -> None:
    assert reference() in (ROOT / "config" / "README.md").read_text(), "run `make schema`"
    silent = [line for line in reference().splitlines() if line.startswith("| `") and "|  " in line]
    assert silent == []


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_config_is_valid(path: Path) -> None:
    if path.parent.name == "targets":
        load_target(str(path), ROOT)
        return
    config = check(Config, read_yaml(path), str(path))
    for name in config.targets:
        target = load_target(name, ROOT)
        for overrides in config.runs.values():
            run_training(target, config.training, overrides, str(path))
