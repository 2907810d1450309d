"""The config names what is wrong and the nearest right key."""

import json
import shutil
from pathlib import Path

import pytest

from darkroom.config.loading import check, check_models, load_target, read_yaml, run_training, with_found_paths
from darkroom.config.project import Config, Target, target_label
from darkroom.config.reference import reference, schemas
from darkroom.config.training import Recipe, TrainingSettings, check_compute
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
        ({"selection": {"qqqqqqqq": 3}}, "known keys here: count, held_out"),
        ({"shards": "many"}, "key 'shards'"),
        ({"shards": 0}, "greater than or equal to 1"),
        ({"project": "../away"}, "key 'project'"),
        ({"runs": {"a/b": {}}}, "run label 'a/b'"),
        ({"runs": {"prior": {}}}, "run label 'prior': a target has a folder of this name already"),
        ({"targets": []}, "key 'targets'"),
        ({"subject": {"trigger": "", "class": "toy"}}, "key 'subject.trigger'"),
        ({"evaluation": {"prompts": ["{sub} on grass"]}}, "{subject} and {class} only, not as in '{sub} on grass'"),
        ({"evaluation": {"prompts": ["a {class}", " "]}}, "leave empty ones out"),
        ({"evaluation": {"control_prompts": ["a dog", "a cat", "a dog"]}}, "the prompt 'a dog' is given twice"),
        ({"evaluation": {"strengths": [1, 0.5, 1]}}, "1 and 1 are the same to two decimals; remove one"),
        ({"evaluation": {"strengths": [0.124, 0.121]}}, "0.121 and 0.124 are the same to two decimals"),
        ({"compute": {"device": "tpu"}}, "'cpu' or 'gpu'"),
    ],
)
def test_wrong_keys_are_one_line(change: dict, expected: str) -> None:
    with pytest.raises(UserError) as error:
        check(Config, SMALLEST | change, "my.yaml")
    assert expected in str(error.value)
    assert str(error.value).startswith("my.yaml: ")
    assert "\n" not in str(error.value)


def test_numbers_are_finite() -> None:
    with pytest.raises(UserError, match="key 'alpha': Input should be a finite number"):
        check(TrainingSettings, {"alpha": float("inf")}, "my.yaml")


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
    training = run_training(target, {"steps": 7, "rank": 2}, {"rank": 5}, "wide")
    assert (training.steps, training.rank, training.layers) == (7, 5, target.training.layers)
    with pytest.raises(UserError, match=r"runs.wide: unknown key 'rnak'; did you mean 'rank'"):
        run_training(target, {}, {"rnak": 5}, "wide")


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"steps": 1_000_000_000}, "key 'steps': Input should be less than or equal to 999999"),
        ({"steps": 20_000, "checkpoint_every": 2}, "every 2 of 20000 steps makes 10000 checkpoints, and at most 250"),
        ({"steps": 0}, "key 'steps': Input should be greater than or equal to 1"),
    ],
)
def test_wrong_training_settings_are_named_where_they_stand(training: dict, expected: str) -> None:
    target = load_target("pocket-sdxl", ROOT)
    for project, run, source in ((training, {}, "training"), ({}, training, "runs.main")):
        with pytest.raises(UserError, match=rf"^{source}: .*{expected}"):
            run_training(target, project, run, "main")


def test_what_a_run_repairs_is_not_named() -> None:
    with pytest.raises(UserError, match=r"^runs.main: unknown key 'rnak'"):
        run_training(load_target("pocket-sdxl", ROOT), {"warmup_steps": 5000}, {"steps": 6000, "rnak": 3}, "main")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("a {colour} toy", r"\{class\} only"), ("{subject}", r"\{class\} only"), ("", "leave empty")],
)
def test_prompts_of_the_prior_hold_the_class_only(prompt: str, expected: str) -> None:
    with pytest.raises(UserError, match=rf"my\.yaml: key 'prior.prompts': .*{expected}"):
        check(Target, {"family": "sdxl", "model": "a/b", "prior": {"prompts": ["a {class}", prompt]}}, "my.yaml")


@pytest.mark.parametrize("setting", ["min_snr_gamma", "noise_offset"])
def test_what_is_for_models_of_noise_is_refused_for_flow_matching(setting: str) -> None:
    """Before anything runs, whoever sets it."""
    for name in ("sd15-8gb", "sdxl-12gb"):
        assert getattr(run_training(load_target(name, ROOT), {setting: 5}, {}, "main"), setting) == 5
    off = {"min_snr_gamma": "null", "noise_offset": "0"}[setting]
    target = load_target("flux-24gb", ROOT)
    for project, run in (({setting: 5}, {}), ({}, {setting: 5})):
        with pytest.raises(UserError, match=rf"training\.{setting}: .* flow matching .*; set it to {off}$"):
            run_training(target, project, run, "main")


@pytest.mark.parametrize("family", ["sdx", "", None])
def test_an_unknown_family_is_one_line(family: str | None) -> None:
    with pytest.raises(UserError, match=r"my\.yaml: key 'family': Input should be 'sd15', 'sdxl' or 'flux'") as error:
        check(Target, {"family": family, "model": "a/b"}, "my.yaml")
    assert "\n" not in str(error.value)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    config = check(Config, SMALLEST | {"captioner": {"model": "./models/none"}, "masks": {"model": str(tmp_path)}}, "c")
    with pytest.raises(UserError, match=r"captioner.model: there is no model at ./models/none"):
        check_models(config, {})


def test_a_missing_file_of_overrides_is_named() -> None:
    with pytest.raises(UserError, match=r"overrides: there is no file nowhere.csv"):
        check_models(check(Config, SMALLEST | {"overrides": "nowhere.csv"}, "c"), {})


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"aesthetic": {"head": "nowhere"}}, "aesthetic.head: there is no file nowhere"),
        ({"aesthetic": {"head": str(ROOT / "README.md")}}, "aesthetic.head: it needs the vectors"),
        ({"selection": {"min_aesthetic": 5.0}}, "selection.min_aesthetic: there is no `aesthetic.head`"),
    ],
)
def test_an_aesthetic_score_needs_its_head_and_its_vectors(part: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        check_models(check(Config, SMALLEST | part, "c"), {})


def test_broken_yaml_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(UserError) as error:
        read_yaml(tmp_path / "bad.yaml")
    assert "\n" not in str(error.value)


def test_settings_survive_the_command_line() -> None:
    config = check(Config, SMALLEST, "config")
    for part in (config.subject, config.selection, config.captioner, config.evaluation, config.compute):
        assert type(part).from_argument(part.to_argument()) == part


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON: EOF while parsing"),
        ("[1]", "Input should be an object"),
        ('{"rnak": 8}', "unknown key 'rnak'; did you mean 'rank'?"),
        ('{"rank": 0}', "key 'rank': Input should be greater than or equal to 1 (it is 0)"),
        ('{"text_encoder": {"rang": 8}}', "unknown key 'text_encoder.rang'; did you mean 'rank'?"),
        ('{"text_encoder": {"rank": 8}}', "key 'text_encoder.alpha' is missing"),
        ('{"optimizer": "prodigy"}', "training.learning_rate: prodigy finds"),
    ],
)
def test_a_wrong_argument_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        TrainingSettings.from_argument(text)
    assert str(error.value).startswith("TrainingSettings as JSON: ") and message in str(error.value)
    assert "\n" not in str(error.value)


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
            training = run_training(target, config.training, overrides, "main", f"{path}: ")
            check_compute(training, target.prior, config.compute)


def test_a_base_model_of_one_file_is_told_how_to_be_converted(tmp_path: Path) -> None:
    (tmp_path / "one.safetensors").touch()
    (tmp_path / "mine.yaml").write_text(f"family: sdxl\nmodel: {tmp_path}/one.safetensors\n")
    targets = {"mine": load_target(str(tmp_path / "mine.yaml"), ROOT)}
    with pytest.raises(UserError, match=r"convert_checkpoint\.py .*one\.safetensors --family sdxl"):
        check_models(with_found_paths(check(Config, SMALLEST, "c"), ROOT), targets)


@pytest.mark.parametrize(
    ("family", "lost", "message"),
    [
        ("flux", None, r"it is a model of SDXL, not of FLUX\.1; set family: sdxl or give another model"),
        (
            "sdxl",
            "unet/diffusion_pytorch_model.safetensors",
            r"unet/diffusion_pytorch_model\.safetensors: these weights",
        ),
    ],
)
def test_a_base_model_is_looked_into_before_anything_runs(
    family: str, lost: str | None, message: str, tmp_path: Path
) -> None:
    model = shutil.copytree(ROOT / "resources" / "pocket" / "sdxl", tmp_path / "model")
    if lost is not None:
        (model / lost).unlink()
    targets = {"mine": check(Target, {"family": family, "model": str(model)}, "mine.yaml")}
    config = check(Config, SMALLEST | {"masks": {"model": str(tmp_path)}}, "c")
    with pytest.raises(UserError, match=rf"^targets/mine: model: {model}.*{message}") as error:
        check_models(config, targets)
    assert "\n" not in str(error.value)


def test_pictures_are_rendered_as_the_family_does_unless_the_target_says() -> None:
    def render(family: str, **own: float) -> tuple[int, float]:
        found = check(Target, {"family": family, "model": "a/b", "render": own}, "target").render
        return found.sampling_steps, found.guidance

    assert (render("flux"), render("sd15"), render("sdxl")) == ((28, 3.5), (30, 7.5), (30, 5.0))
    assert render("flux", sampling_steps=4, guidance=0) == (4, 0.0)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"training": {}, "prior": {}}', '{"more": {}}'])
def test_a_wrong_recipe_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^Recipe as JSON: it holds .*, not training, prior, validation, compute$"):
        Recipe.from_argument(text)
