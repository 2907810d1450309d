"""Where a LoRA came from: photos, the user's own words, models, settings, code, packages and machine.

Enough to build it again from the photos, the models and this file. No absolute path, no name of a machine, no time
and no name of a photo: two runs give the same bytes, and publishing the file tells no more about the photos than their
hashes and what the user wrote of them.
"""

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import darkroom
from darkroom.contracts.manifest import Frame
from darkroom.contracts.overrides import Override
from darkroom.models.lock import LockedModel
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.publishing.lora_metadata import Training
from darkroom.storage.code_version import installed_version
from darkroom.storage.files import sha256_bytes, sha256_file
from darkroom.storage.portable_paths import portable

PACKAGES = (
    "accelerate", "bitsandbytes", "diffusers", "huggingface_hub", "numpy", "onnxruntime",
    "open_clip_torch", "opencv-python-headless", "peft", "pi-heif", "pillow", "prodigyopt", "pydantic", "rawpy",
    "safetensors", "schedulefree", "scipy", "snakemake", "timm", "tokenizers", "torch", "torchvision", "transformers",
)  # fmt: skip
FORMAT = 2  # of provenance.json; raised when a record of before can no longer be rebuilt


@dataclass(frozen=True)
class UserInputs:
    """What the user gave: the files of the photos folder, and by photo the texts beside photos and the overrides."""

    files: Sequence[PhotoFile]
    sidecars: Mapping[str, str]
    overrides: Mapping[str, Override]


@dataclass(frozen=True)
class BuildInfo:
    """With what a LoRA was made: models by name, the whole config and target, and the machine of the training."""

    models: Mapping[str, LockedModel]
    config: Mapping[str, Any]
    target: Mapping[str, Any]
    machine: Mapping[str, Any]


def provenance(
    training: Training,
    inputs: UserInputs,
    build_info: BuildInfo,
    manifest_sha256: str,
    files: Mapping[str, str],
    checkout: Path,
) -> dict[str, Any]:
    """The content of provenance.json. `files` are the published files by sha256, `checkout` holds the code."""
    return {
        "format": FORMAT,
        "project": training.project,
        "target": training.target,
        "run": training.run,
        "choice": asdict(training.choice),
        "files": dict(files),
        "dataset": {"manifest_sha256": manifest_sha256, **dataset_record(training.frames, inputs)},
        "models": {name: model_record(model, checkout) for name, model in build_info.models.items()},
        "settings": {
            "config": portable(build_info.config, checkout),
            "target": portable(build_info.target, checkout),
            "training": training.settings.model_dump(mode="json"),
        },
        "code": code_record(checkout),
        "packages": package_versions(),
        "machine": dict(build_info.machine),
    }


def dataset_record(frames: Sequence[Frame], inputs: UserInputs) -> dict[str, Any]:
    """The photos by the sha256 of their bytes, what was made of them, and what the user said of them.

    Photos that are not used are part of it: which copies a photo has and how many photos there are decides what is
    kept and what is held out.
    """
    used = {frame.photo_sha256: frame.split for frame in frames}
    readable = {file.sha256 for file in inputs.files if file.status in ("ok", "identical")}
    ids = {frame.photo for frame in frames}
    return {
        "photos": [{"sha256": sha256, "split": used[sha256]} for sha256 in sorted(used)],
        "photos_not_used": sorted(readable - set(used)),
        "frames": frame_records(frames),
        "sidecars": {photo: text for photo, text in sorted(inputs.sidecars.items()) if photo in ids},
        "overrides": {photo: asdict(override) for photo, override in sorted(inputs.overrides.items())},
    }


def frame_records(frames: Sequence[Frame]) -> dict[str, dict[str, str]]:
    """The sha256 of the picture, mask and caption of each frame."""
    parts = ("picture_sha256", "mask_sha256", "caption_sha256")
    return {frame.frame: {part: getattr(frame, part) for part in parts} for frame in frames}


def model_record(model: LockedModel, checkout: Path) -> dict[str, Any]:
    """A model as locked, without where it lies on this machine."""
    files = dict(sorted(model.files.items()))
    return {"source": portable(model.source, checkout), "revision": model.revision, "files": files}


def package_versions() -> dict[str, str]:
    """The versions of the packages that decide the result, as installed, and of Python and Darkroom."""
    versions = {"python": platform.python_version(), "darkroom": darkroom.__version__}
    installed = {package: installed_version(package) for package in PACKAGES}
    return versions | {package: version for package, version in installed.items() if version}


def code_record(checkout: Path) -> dict[str, Any]:
    """The git commit of the code where there is one, and one sha256 over all scripts, library and rules as they are."""
    files = sorted(
        path
        for folder, pattern in (("scripts", "*.py"), ("workflow", "*.smk"), ("workflow", "Snakefile"))
        for path in (checkout / folder).rglob(pattern)
    )
    listing = "".join(f"{path.relative_to(checkout).as_posix()} {sha256_file(path)}\n" for path in files)
    return {"commit": _git_commit(checkout), "sha256": sha256_bytes(listing.encode())}


def _git_commit(folder: Path) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--verify", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
