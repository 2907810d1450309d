"""Fetching models: folders here are hashed, the Hub is asked for one commit, pickles are refused."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fetch_model
import huggingface_hub
import pytest
from fetch_model import wanted_files
from huggingface_hub.utils import filter_repo_objects

from darkroom.errors import UserError
from darkroom.families import sd15
from darkroom.families.base import FAMILIES
from darkroom.models.fetch import fetch_from_hub, local_files, lock_local, pin_file
from darkroom.models.lock import read_lock

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def folder_with(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def test_local_model_is_hashed_without_hidden_files(tmp_path: Path) -> None:
    model = folder_with(tmp_path / "model", "model_index.json", "unet/weights.safetensors", ".cache/x", ".hidden")
    lock = lock_local(str(model))
    assert sorted(lock.files) == ["model_index.json", "unet/weights.safetensors"]
    assert local_files(str(model)) == [str(model / name) for name in sorted(lock.files)]
    before = lock.digest
    (model / "model_index.json").write_text("other")
    assert lock_local(str(model)).digest != before


def test_documents_beside_a_model_are_no_part_of_it(tmp_path: Path) -> None:
    model = folder_with(tmp_path / "model", "config.json", "merges.txt", "unet/weights.safetensors")
    before = lock_local(str(model))
    folder_with(model, "README.md", "Readme.txt", "LICENSE", "license.rst", "docs/use.md", "unet/grid.PNG", "a.jpeg")
    assert lock_local(str(model)) == before
    assert sorted(before.files) == ["config.json", "merges.txt", "unet/weights.safetensors"]


def test_local_model_may_be_one_file(tmp_path: Path) -> None:
    model = folder_with(tmp_path, "u2netp.onnx") / "u2netp.onnx"
    lock = lock_local(str(model))
    assert list(lock.files) == ["u2netp.onnx"] and lock.path == model


def test_tokenizers_are_locked_apart(tmp_path: Path) -> None:
    """Other weights are no other tokenizers."""
    parts = ("model_index.json", "tokenizer/vocab.json", "unet/config.json", "unet/weights.safetensors")
    model = folder_with(tmp_path / "model", *parts)
    before = lock_local(str(model), sd15.TOKENIZER_FILES)
    assert sorted(before.files) == ["tokenizer/vocab.json", "unet/config.json"]
    assert local_files(str(model), sd15.TOKENIZER_FILES) == [str(model / name) for name in sorted(before.files)]
    (model / "unet" / "weights.safetensors").write_text("other")
    assert lock_local(str(model), sd15.TOKENIZER_FILES) == before
    with pytest.raises(UserError, match=r"there is none of tokenizer/\*"):
        lock_local(str(folder_with(tmp_path / "other", "a.json")), sd15.TOKENIZER_FILES)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "unet/x.ckpt", "a.pt"])
def test_pickles_are_refused(tmp_path: Path, name: str) -> None:
    model = folder_with(tmp_path / "model", "config.json", name)
    with pytest.raises(UserError, match="pickle"):
        lock_local(str(model))


def test_missing_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no model"):
        lock_local(str(tmp_path / "nothing"))


class Hub:
    """A stand-in for the Hub that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.downloads: list[dict[str, Any]] = []

    def model_info(self, model: str, revision: str) -> SimpleNamespace:
        self.asked += 1
        return SimpleNamespace(sha=COMMIT)

    def snapshot_download(self, model: str, **options: Any) -> str:
        self.downloads.append(options)
        folder_with(options["local_dir"], "model_index.json", "unet/weights.safetensors", "README.md")
        return str(options["local_dir"])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    stand_in = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: stand_in)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", stand_in.snapshot_download)
    return stand_in


def test_a_branch_is_resolved_once_and_recorded(tmp_path: Path, hub: Hub) -> None:
    places = {"store": tmp_path / "store", "pins": tmp_path / "pins"}
    for _ in range(2):
        lock = fetch_from_hub("owner/name", "main", ("*.json", "unet/*.safetensors"), (), **places)
    assert hub.asked == 1
    assert lock.revision == COMMIT and lock.path == tmp_path / "store" / "owner--name" / COMMIT
    assert sorted(lock.files) == ["model_index.json", "unet/weights.safetensors"]
    assert [options["revision"] for options in hub.downloads] == [COMMIT, COMMIT]
    pin = json.loads(pin_file(places["pins"], "owner/name", "main").read_text())
    assert pin["commit"] == COMMIT
    assert pin_file(places["pins"], "owner/name", "main").name == "owner--name@main.json"


@pytest.mark.parametrize("error", [ConnectionError, huggingface_hub.errors.HTTPError])
def test_offline_and_missing_models_are_one_line_each(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def offline(model: str, revision: str) -> None:
        raise error("no route\nto the host")

    monkeypatch.setattr(hub, "model_info", offline)
    with pytest.raises(UserError, match=r"cannot be reached \(no route\)") as caught:
        fetch_from_hub("owner/name", "main", ("*",), (), tmp_path / "store", tmp_path / "pins")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pins").exists()


def test_a_model_without_safetensors_is_refused(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(UserError, match="no weights as safetensors"):
        fetch_from_hub("owner/name", "main", ("*.json",), (), tmp_path / "store", tmp_path / "pins")


@pytest.mark.parametrize(
    ("there", "fetched"),
    [
        (
            ["config.json", "chat_template.jinja", "tokenizer.json", "merges.txt", "model-00001-of-00002.safetensors"],
            ["config.json", "chat_template.jinja", "tokenizer.json", "merges.txt", "model-00001-of-00002.safetensors"],
        ),
        (["model.onnx", "selected_tags.csv", "config.json"], ["model.onnx", "selected_tags.csv", "config.json"]),
        (
            ["model.safetensors", "pytorch_model.bin", "modeling_mine.py", "onnx/model.onnx", "data.csv", "model.pt"],
            ["model.safetensors"],
        ),
    ],
    ids=["vision-language", "tagger", "code and pickles"],
)
def test_of_a_captioner_what_it_needs_is_fetched_and_no_code(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, there: list[str], fetched: list[str]
) -> None:
    def snapshot_download(model: str, local_dir: Path, allow_patterns: list[str], **others: Any) -> None:
        folder_with(local_dir, *filter_repo_objects(there, allow_patterns=allow_patterns))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    lock = fetch_from_hub("owner/name", "main", *wanted_files("captioner"), tmp_path / "store", tmp_path / "pins")
    assert set(lock.files) == set(fetched)


@pytest.mark.parametrize("name", FAMILIES)
def test_of_the_hub_tokenizers_are_fetched_without_weights(
    name: str, tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule's own script; what it fetched is a part of the folder into which the whole model goes."""
    lock = tmp_path / "lock.json"
    words = ["--model", "owner/name", "--revision", "main", "--family", name, "--tokenizers", "--lock", str(lock)]
    words += ["--store", str(tmp_path / "store"), "--pins", str(tmp_path / "pins")]
    wanted = ("tokenizer/vocab.json", "tokenizer_2/spiece.model", "unet/config.json", "transformer/config.json")
    weights = ("unet/model.safetensors", "text_encoder_2/model.safetensors", "transformer/model.safetensors")

    def snapshot_download(model: str, local_dir: Path, allow_patterns: list[str], **others: Any) -> None:
        folder_with(local_dir, *filter_repo_objects([*wanted, *weights], allow_patterns=allow_patterns))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr("sys.argv", ["fetch_model", *words])
    fetch_model.main()
    files = set(read_lock(lock).files)
    assert files <= set(wanted) and any(file.startswith("tokenizer") for file in files) and len(files) >= 2


@pytest.mark.parametrize("family", ["sdxl", "sd15"])
def test_a_base_model_of_another_family_is_not_locked(
    family: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "--model",
        str(tiny_model),
        "--revision",
        "main",
        "--family",
        family,
        "--lock",
        str(tmp_path / "lock.json"),
    ]
    words += ["--store", str(tmp_path / "store"), "--pins", str(tmp_path / "pins")]
    monkeypatch.setattr("sys.argv", ["fetch_model", *words])
    if family == "sdxl":
        fetch_model.main()
    else:
        with pytest.raises(UserError, match=r"a model of SDXL, not of Stable Diffusion 1\.5; set family: sdxl"):
            fetch_model.main()
    assert (tmp_path / "lock.json").exists() == (family == "sdxl")
