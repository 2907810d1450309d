"""The files of a model: those of a folder here, or those of the Hub at one commit, hashed and without pickles."""

import contextlib
import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

from darkroom.errors import UserError
from darkroom.models.lock import PICKLES, LockedModel, local_model
from darkroom.storage.files import read_json, sha256_file, write_json
from darkroom.storage.process_identity import wait_for_lock

# What transformers models and their processors are made of; diffusers families name theirs themselves.
TRANSFORMERS_FILES = ("*.json", "*.txt", "model*.safetensors", "*.model")
# A chat template may lie beside them, and a captioner may be a tagger: one network and the names of its tags.
CHAT_FILES = (*TRANSFORMERS_FILES, "*.jinja")
CAPTIONER_FILES = (*CHAT_FILES, "model.onnx", "selected_tags.csv")
OPEN_CLIP_FILES = ("open_clip_config.json", "open_clip_model.safetensors", "*.json", "*.txt")
EVERYTHING = ("*",)
# What people read beside a model decides nothing: an edited model card retrains nothing.
DOCUMENTS = ("readme*", "license*", "*.md", "*.png", "*.jpg", "*.jpeg", "*.gif", "*.webp", "*.svg")


def local_files(model: str, allow: tuple[str, ...] = EVERYTHING) -> list[str]:
    """The files of a model given as a file or folder, sorted, without hidden ones and documents.

    Of a folder those that match `allow`. None for an id of the Hub.
    """
    path = Path(model)
    if not local_model(model) or not path.exists():
        return []
    if path.is_file():
        return [str(path)]
    found = []
    for parent, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [str(Path(parent) / name) for name in names if not name.startswith(".") and not _document(name)]
    return sorted(file for file in found if _wanted(Path(file).relative_to(path).as_posix(), allow))


def _document(name: str) -> bool:
    return any(fnmatch.fnmatch(name.lower(), pattern) for pattern in DOCUMENTS)


def lock_local(model: str, allow: tuple[str, ...] = EVERYTHING) -> LockedModel:
    """Hash every file that matches `allow` of a model in a folder here, or a model that is one file.

    Raises UserError where there is none, or where weights are pickles, which can run code when they are opened.
    """
    files = local_files(model, allow)
    if not files:
        what = "no model" if allow == EVERYTHING else f"none of {', '.join(allow)}"
        raise UserError(f"{model}: there is {what}; give a folder or file that exists, or an id of the Hub")
    _refuse_pickles(model, files)
    root = Path(model) if Path(model).is_dir() else Path(model).parent
    hashes = {Path(file).relative_to(root).as_posix(): sha256_file(Path(file)) for file in files}
    return LockedModel(model, "local", Path(model), hashes)


def _refuse_pickles(model: str, files: list[str]) -> None:
    for file in files:
        if file.endswith(PICKLES):
            raise UserError(
                f"{file}: a pickle can run code when it is opened; give {model} as safetensors or ONNX only"
            )


def pin_file(pins: Path, model: str, revision: str) -> Path:
    """Where the commit of a model's revision is recorded: `<owner>--<name>@<revision>.json`."""
    return pins / f"{model.replace('/', '--')}@{revision.replace('/', '--')}.json"


def resolve_commit(model: str, revision: str, pins: Path) -> str:
    """The commit of a revision: as recorded, or asked of the Hub once and then recorded for every later run."""
    pin = pin_file(pins, model, revision)
    if pin.exists():
        return str(read_json(pin)["commit"])
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    from huggingface_hub import HfApi

    commit = str(HfApi().model_info(model, revision=revision).sha)
    write_json(pin, {"model": model, "revision": revision, "commit": commit})
    return commit


def fetch_from_hub(
    model: str,
    revision: str,
    allow: tuple[str, ...],
    skip: tuple[str, ...],
    store: Path,
    pins: Path,
    needs_weights: bool = True,
) -> LockedModel:
    """Download the files of a model that match `allow` and not `skip`, at one commit, and hash them.

    Raises UserError, one line, where the Hub cannot be reached, does not have the model or has none of these files.
    """
    # Its HTTPError is that of its HTTP client, whichever this version has: no answer is one, too.
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, XetDownloadError

    place = store / model.replace("/", "--")
    try:
        with _alone(place, model):
            commit = resolve_commit(model, revision, pins)
            names = _download(model, commit, allow, skip, place)
            hashes = {name: sha256_file(place / commit / name) for name in names if not _document(Path(name).name)}
    except HfHubHTTPError as error:
        raise UserError(
            f"{model}@{revision}: the Hub says: {_first_line(error)}; check the id and your token"
        ) from None
    except HFValidationError as error:
        raise UserError(f"{model}: no id of the Hub: {_first_line(error)}") from None
    except PermissionError:
        raise
    except (HTTPError, OSError, XetDownloadError) as error:
        raise UserError(
            f"{model}@{revision}: the Hub cannot be reached ({_first_line(error.__cause__ or error)}); run this once "
            "with a network, or give a folder that holds the model"
        ) from None
    if not hashes:
        raise UserError(f"{model}@{revision}: it has none of {', '.join(allow)}; give another model")
    if needs_weights and not any(name.endswith((".safetensors", ".onnx")) for name in hashes):
        raise UserError(f"{model}@{revision}: it has no weights as safetensors or ONNX; give a model that has")
    return LockedModel(model, commit, place / commit, hashes)


@contextlib.contextmanager
def _alone(place: Path, model: str) -> Iterator[None]:
    """One job at a time downloads a model: two in one folder take away each other's files."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as handle:
        wait_for_lock(handle, f"another job that downloads {model}")
        yield


def _download(model: str, commit: str, allow: tuple[str, ...], skip: tuple[str, ...], place: Path) -> list[str]:
    """Download into a folder of the commit's name what it has of these files; returns the names of all of them."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import filter_repo_objects

    names = _files_of_commit(model, commit, place / f"{commit}.json")
    wanted, skipped = list(allow), list(skip)
    snapshot_download(model, revision=commit, local_dir=place / commit, allow_patterns=wanted, ignore_patterns=skipped)
    names = sorted(filter_repo_objects(names, allow_patterns=wanted, ignore_patterns=skipped))
    # Without a network it takes any folder that holds something for the whole.
    missing = [name for name in names if not (place / commit / name).is_file()]
    if missing:
        raise UserError(f"{place / commit / missing[0]}: this file of {model} is missing; run this once with a network")
    return names


def _files_of_commit(model: str, commit: str, file: Path) -> list[str]:
    """The names of all files of a commit: as recorded in `file`, or asked of the Hub once and then recorded."""
    from huggingface_hub import HfApi

    if not file.exists():
        write_json(file, {"files": sorted(HfApi().list_repo_files(model, revision=commit))})
    return list(read_json(file)["files"])


def _wanted(name: str, allow: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in allow)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
