"""Model lock files: which bytes of which model a project uses, written by fetch_model and checked from then on."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import UserError
from darkroom.jobs.imports import allow_bitsandbytes, has_bitsandbytes_weights
from darkroom.storage.files import canonical_json, read_json, sha256_bytes, sha256_file

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5")


def local_model(model: str) -> bool:
    """Whether a model is given as a folder or file here and not as an id of the Hub (owner/name)."""
    return Path(model).exists() or model.count("/") != 1 or model.startswith((".", "/", "~"))


@dataclass(frozen=True)
class LockedModel:
    """A model as locked: where it came from, where it lies, and the sha256 of each of its files."""

    source: str
    revision: str
    path: Path
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """One sha256 over the names and hashes of all files: part of every cache key that the model decides."""
        return sha256_bytes(canonical_json(self.files).encode())

    def to_json(self) -> dict[str, object]:
        """The content of a lock file."""
        return {"source": self.source, "revision": self.revision, "path": str(self.path), "files": self.files}


def model_file(place: Path, name: str) -> Path:
    """Where a file of a model lies, given the model's folder or, for a model of one file, that file."""
    return place / name if place.is_dir() else place


def read_lock(lock_file: Path) -> LockedModel:
    """Read a lock file and check that the model's files are there; bitsandbytes may load where its weights need it.

    Raises UserError where a file is missing, so that a stage fails before it has done anything.
    """
    content = read_json(lock_file)
    model = LockedModel(content["source"], content["revision"], Path(content["path"]), content["files"])
    for name in model.files:
        file = model_file(model.path, name)
        if not file.exists():
            raise UserError(
                f"{file}: this file of model {model.source} is gone; delete {lock_file} to fetch the model again"
            )
    if has_bitsandbytes_weights(model.path):
        allow_bitsandbytes()
    return model


def verify_files(model: LockedModel, lock_file: Path) -> None:
    """Check the bytes of every file of a model against its lock; UserError names the first that differs."""
    for name, sha256 in model.files.items():
        file = model_file(model.path, name)
        if sha256_file(file) != sha256:
            raise UserError(
                f"{file}: its bytes are not those locked in {lock_file}; restore the file or delete the lock"
            )
