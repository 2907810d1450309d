"""Fetch a model once and lock it: where it came from, its commit, and the sha256 of each file."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from darkroom.families.base import FAMILIES, family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.fetch import (
    CAPTIONER_FILES,
    CHAT_FILES,
    OPEN_CLIP_FILES,
    TRANSFORMERS_FILES,
    fetch_from_hub,
    lock_local,
)
from darkroom.models.lock import local_model
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


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    if local_model(arguments.model):
        model = lock_local(arguments.model)
        # Tables and files that are published name the source; only this lock knows where the model lies.
        model = replace(model, source=portable(model.source, Path(__file__).absolute().parents[1]))
    else:
        allow, skip = wanted_files(arguments.family)
        model = fetch_from_hub(arguments.model, arguments.revision, allow, skip, arguments.store, arguments.pins)
    if arguments.family in FAMILIES:
        family(arguments.family).check_model(model.path)
    write_json(arguments.lock, model.to_json())
    print(f"fetch_model: {model.source} at {model.revision}: files {len(model.files)}/{len(model.files)}")


if __name__ == "__main__":
    # The one script that may use the network, unless the user has switched it off.
    os.environ.setdefault("HF_HUB_OFFLINE", "0")
    run_command(main)
