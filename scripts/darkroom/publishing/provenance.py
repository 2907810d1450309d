"""Where a LoRA came from: photos, models, settings, code and packages, by their hashes.

No absolute path, no name of a machine, no time and no name of a photo: two runs give the same bytes, and publishing
the file tells no more about the photos than their hashes.
"""

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import darkroom
from darkroom.files import sha256_bytes, sha256_file
from darkroom.manifest import Frame
from darkroom.model_lock import LockedModel
from darkroom.publishing.lora_metadata import Training

PACKAGES = (
    "accelerate", "bitsandbytes", "diffusers", "ImageHash", "numpy", "onnxruntime", "opencv-python-headless", "peft",
    "pillow", "prodigyopt", "pydantic", "safetensors", "snakemake", "tokenizers", "torch", "transformers",
)  # fmt: skip


def provenance(
    training: Training,
    config: Mapping[str, Any],
    target: Mapping[str, Any],
    models: Mapping[str, LockedModel],
    manifest_sha256: str,
    files: Mapping[str, str],
    scripts: Path,
) -> dict[str, Any]:
    """The content of provenance.json. `files` are the published files by sha256, `scripts` the folder of the code."""
    return {
        "project": training.project,
        "target": training.target,
        "run": training.run,
        "choice": asdict(training.choice),
        "files": dict(files),
        "dataset": {"manifest_sha256": manifest_sha256, "photos": photo_records(training.frames)},
        "models": {name: model_record(model) for name, model in models.items()},
        "settings": {
            "config": portable(config),
            "target": portable(target),
            "training": training.settings.model_dump(mode="json"),
        },
        "code": code_record(scripts),
        "packages": package_versions(),
    }


def photo_records(frames: Sequence[Frame]) -> list[dict[str, str]]:
    """The photos trained on or held out, by the sha256 of their bytes, sorted."""
    records = {frame.photo_sha256: {"sha256": frame.photo_sha256, "split": frame.split} for frame in frames}
    return [records[sha256] for sha256 in sorted(records)]


def model_record(model: LockedModel) -> dict[str, Any]:
    """A model as locked, without where it lies on this machine."""
    return {
        "source": portable(model.source),
        "revision": model.revision,
        "files": {portable(name): sha256 for name, sha256 in sorted(model.files.items())},
    }


def portable(value: Any) -> Any:
    """The value with every absolute path in it cut down to its last part, however deep it lies."""
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item) for item in value]
    if isinstance(value, str) and (value.startswith("~") or PurePath(value).is_absolute()):
        return PurePath(value).name
    return value


def package_versions() -> dict[str, str]:
    """The versions of the packages that decide the result, as installed, and of Python and Darkroom."""
    versions = {"python": platform.python_version(), "darkroom": darkroom.__version__}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def code_record(scripts: Path) -> dict[str, Any]:
    """The git commit of the code where there is one, and one sha256 over all scripts and the library as they are."""
    files = sorted(path for path in scripts.rglob("*.py") if path.is_file())
    listing = "".join(f"{path.relative_to(scripts).as_posix()} {sha256_file(path)}\n" for path in files)
    return {"commit": _git_commit(scripts), "sha256": sha256_bytes(listing.encode())}


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
