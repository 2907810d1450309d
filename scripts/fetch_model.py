"""Fetch a model once and lock it: where it came from, its commit, and the sha256 of each file."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from darkroom.families.base import FAMILIES, family
from darkroom.families.model_folder import check_denoiser
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.fetch import (
    CAPTIONER_FILES,
    CHAT_FILES,
    EVERYTHING,
    OPEN_CLIP_FILES,
    TRANSFORMERS_FILES,
    fetch_from_hub,
    lock_local,
)
from darkroom.models.lock import LockedModel, local_model, read_lock
from darkroom.storage.files import write_json
from darkroom.storage.portable_paths import portable


@dataclass(frozen=True)
class Arguments:
    model: Annotated[str, "a folder or file here, or an id of the Hub"]
    revision: Annotated[str, "branch, tag or commit of an id of the Hub"]
    store: Annotated[Path, "folder of downloaded models"]
    pins: Annotated[Path, "folder of recorded commits"]
    lock: Annotated[Path, "lock file, to write"]
    family: Annotated[str | None, "the model family of a base model, or open_clip, captioner, polisher"] = None
    tokenizers: Annotated[bool, "of a base model its tokenizers only"] = False
    tokenizers_lock: Annotated[Path | None, "lock file of a base model's tokenizers, whose commit is used"] = None


def wanted_files(name: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The patterns of the files to fetch and to leave: a family's, open_clip's, a captioner's, or transformers'."""
    if name is None:
        return TRANSFORMERS_FILES, ()
    if name == "captioner":
        return CAPTIONER_FILES, ()
    if name == "polisher":
        return CHAT_FILES, ()
    if name == "open_clip":
        return OPEN_CLIP_FILES, ()
    return family(name).MODEL_FILES, family(name).SKIPPED_FILES


def fetch(arguments: Arguments, only: tuple[str, ...]) -> LockedModel:
    """The locked model; `only` are the patterns of the files that are wanted of it, where not all are."""
    if not local_model(arguments.model):
        allow, skip = wanted_files(arguments.family)
        hub = only or allow, skip, arguments.store, arguments.pins
        return fetch_from_hub(arguments.model, revision(arguments), *hub, needs_weights=not only)
    model = lock_local(arguments.model, only or EVERYTHING)
    # Tables and files that are published name the source; only this lock knows where the model lies.
    return replace(model, source=portable(model.source, Path(__file__).absolute().parents[1]))


def revision(arguments: Arguments) -> str:
    """The revision asked for, or the commit of the tokenizers: captions are counted by those of the same model."""
    return read_lock(arguments.tokenizers_lock).revision if arguments.tokenizers_lock else arguments.revision


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    base_model = family(arguments.family) if arguments.family in FAMILIES else None
    model = fetch(arguments, base_model.TOKENIZER_FILES if base_model and arguments.tokenizers else ())
    if base_model and arguments.tokenizers:
        check_denoiser(base_model.FAMILY, model.path)
    elif base_model:
        base_model.check_model(model.path)
    write_json(arguments.lock, model.to_json())
    print(f"fetch_model: {model.source} at {model.revision}: files {len(model.files)}/{len(model.files)}")


if __name__ == "__main__":
    # The one script that may use the network, unless the user has switched it off.
    os.environ.setdefault("HF_HUB_OFFLINE", "0")
    run_command(main)
