"""Fetching models: folders here are hashed, the Hub is asked for one commit, pickles are refused."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fetch_model
import pytest
from fetch_model import wanted_files
from hub_server import COMMIT, MODEL, Hub
from huggingface_hub import _tree_cache, constants
from tiny_models import TINY_MODELS

from darkroom.errors import UserError
from darkroom.families import sd15
from darkroom.families.base import family
from darkroom.models.fetch import fetch_from_hub, local_files, lock_local, pin_file
from darkroom.models.lock import LockedModel, read_lock


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


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub for the real client, whose model has weights of an SDXL that nobody loads."""
    model = folder_with(tmp_path / "hub", "README.md", "unet/weights.safetensors", "unet/weights.fp16.safetensors")
    (model / "model_index.json").write_text("{}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with Hub(model).serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        urls = server.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", urls)
        yield server


def fetch(folder: Path, *allow: str, revision: str = "main", needs_weights: bool = True) -> LockedModel:
    patterns = allow or ("*.json", "unet/*.safetensors")
    return fetch_from_hub(
        MODEL, revision, patterns, ("*.fp16.safetensors",), folder / "store", folder / "pins", needs_weights
    )


def go_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_a_branch_is_resolved_once_and_recorded(tmp_path: Path, hub: Hub) -> None:
    lock = fetch(tmp_path)
    assert lock.revision == COMMIT and lock.path == tmp_path / "store" / "owner--name" / COMMIT
    assert sorted(lock.files) == ["model_index.json", "unet/weights.safetensors"]
    assert lock.files == lock_local(str(lock.path)).files
    assert not (lock.path / "README.md").exists()
    pin = json.loads(pin_file(tmp_path / "pins", MODEL, "main").read_text())
    assert pin["commit"] == COMMIT
    assert pin_file(tmp_path / "pins", MODEL, "main").name == "owner--name@main.json"
    hub.asked.clear()
    assert fetch(tmp_path) == fetch(tmp_path, revision=COMMIT) == lock
    assert hub.asked == []


def test_a_folder_is_locked_again_without_a_network(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fetch(tmp_path)
    go_offline(monkeypatch)
    assert fetch(tmp_path) == lock


def test_without_a_network_a_part_is_not_taken_for_the_whole(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the client's own notes are gone, without which it believes any folder that holds something."""
    lock = fetch(tmp_path, "*.json", needs_weights=False)
    go_offline(monkeypatch)
    with pytest.raises(UserError, match=r"owner/name@main: the Hub cannot be reached \(.*; run this once with a net"):
        fetch(tmp_path)
    shutil.rmtree(lock.path / ".cache")
    monkeypatch.setattr(_tree_cache, "_IN_MEMORY_TREE_CACHE", {})
    with pytest.raises(UserError, match=r"unet/weights\.safetensors: this file of owner/name is missing"):
        fetch(tmp_path)
    assert fetch(tmp_path, "*.json", needs_weights=False) == lock


def test_jobs_that_fetch_one_model_at_once_have_all_of_it(tmp_path: Path, hub: Hub) -> None:
    """Of its tokenizers and of its weights, for two targets: the client alone takes away files of the other."""
    for number in range(30):
        (hub.folder / f"{number}.json").write_text(str(number))
    with ThreadPoolExecutor(4) as pool:
        parts = [("*.json",), ("*.json", "unet/*"), ("*.json",), ("*.json", "unet/*")]
        locks = list(pool.map(lambda part: fetch(tmp_path, *part, needs_weights=False), parts))
    assert [len(lock.files) for lock in locks] == [31, 32, 31, 32]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_model_that_the_hub_refuses_is_one_line(tmp_path: Path, hub: Hub, status: int) -> None:
    hub.refuse = status
    with pytest.raises(UserError, match=r"owner/name@main: the Hub says: .*; check the id and your token") as caught:
        fetch(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pins").exists()


def test_no_network_is_one_line(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)
    with pytest.raises(UserError, match=r"owner/name@main: the Hub cannot be reached \(") as caught:
        fetch(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pins").exists()


def test_a_model_without_what_is_wanted_is_refused(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(UserError, match="no weights as safetensors"):
        fetch(tmp_path, "*.json")
    with pytest.raises(UserError, match=r"it has none of tokenizer/\*, \*\.md; give another"):
        fetch(tmp_path, "tokenizer/*", "*.md", needs_weights=False)


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
    tmp_path: Path, hub: Hub, there: list[str], fetched: list[str]
) -> None:
    shutil.rmtree(hub.folder)
    folder_with(hub.folder, *there)
    lock = fetch_from_hub(MODEL, "main", *wanted_files("captioner"), tmp_path / "store", tmp_path / "pins")
    assert set(lock.files) == set(fetched)


def run_fetch_model(monkeypatch: pytest.MonkeyPatch, folder: Path, model: str, family: str, *more: str) -> Path:
    """The rule's own script; its lock file, named after what is asked for."""
    lock = folder / f"{'-'.join(['lock', *more[:1]])}.json"
    words = ["--model", model, "--revision", "main", "--family", family, "--lock", str(lock), *more]
    words += ["--store", str(folder / "store"), "--pins", str(folder / "pins")]
    monkeypatch.setattr("sys.argv", ["fetch_model", *words])
    fetch_model.main()
    return lock


@pytest.mark.parametrize("name", ["sd15", "sdxl", "flux-dev"])
def test_of_the_hub_tokenizers_are_fetched_first_and_the_model_at_their_commit(
    name: str, tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(hub.folder)
    kind, save = TINY_MODELS[name]
    save(hub.folder)
    tokenizers_lock = run_fetch_model(monkeypatch, tmp_path, MODEL, kind, "--tokenizers")
    tokenizers = read_lock(tokenizers_lock)
    assert family(kind).load_tokenizers(tokenizers.path)
    assert not list(tokenizers.path.rglob("*.safetensors"))
    shutil.rmtree(tmp_path / "pins")
    model = read_lock(run_fetch_model(monkeypatch, tmp_path, MODEL, kind, "--tokenizers-lock", str(tokenizers_lock)))
    assert tokenizers.files.items() < model.files.items() and tokenizers.path == model.path
    assert model.revision == COMMIT and not (tmp_path / "pins").exists()


@pytest.mark.parametrize("name", ["sd15", "flux-dev"])
def test_a_model_of_another_family_is_known_by_its_tokenizers(
    name: str, tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before photos are worked on, and before anything large is fetched."""
    shutil.rmtree(hub.folder)
    save = TINY_MODELS[name][1]
    save(hub.folder)
    with pytest.raises(UserError, match=r"it is a model of .*, not of SDXL; set family"):
        run_fetch_model(monkeypatch, tmp_path, MODEL, "sdxl", "--tokenizers")
    for config in hub.folder.glob("*/config.json"):
        config.unlink()
    with pytest.raises(UserError, match=r"holds none of unet/config\.json, transformer/config\.json, so"):
        run_fetch_model(monkeypatch, tmp_path / "other", MODEL, "sdxl", "--tokenizers")
    assert not list(tmp_path.rglob("lock*.json"))


@pytest.mark.parametrize("name", ["sdxl", "sd15"])
def test_a_base_model_of_another_family_is_not_locked(
    name: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "sdxl":
        assert read_lock(run_fetch_model(monkeypatch, tmp_path, str(tiny_model), name)).files
        return
    with pytest.raises(UserError, match=r"a model of SDXL, not of Stable Diffusion 1\.5; set family: sdxl"):
        run_fetch_model(monkeypatch, tmp_path, str(tiny_model), name)
    assert not (tmp_path / "lock.json").exists()
