"""Locks of models name a missing or changed file."""

from pathlib import Path

import pytest

from darkroom.errors import UserError
from darkroom.models.lock import LockedModel, read_lock, verify_files
from darkroom.storage.files import sha256_file, write_json


def locked(folder: Path) -> tuple[LockedModel, Path]:
    """A model of one file and its lock file."""
    model = folder / "model"
    model.mkdir()
    (model / "weights.safetensors").write_bytes(b"weights")
    files = {"weights.safetensors": sha256_file(model / "weights.safetensors")}
    lock = LockedModel("owner/name", "0" * 40, model, files)
    write_json(folder / "lock.json", lock.to_json())
    return lock, folder / "lock.json"


def test_a_lock_survives_its_file(tmp_path: Path) -> None:
    lock, path = locked(tmp_path)
    assert read_lock(path) == lock
    verify_files(lock, path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    lock, path = locked(tmp_path)
    (lock.path / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights\.safetensors: this file of model owner/name is gone"):
        read_lock(path)


def test_changed_bytes_are_named(tmp_path: Path) -> None:
    lock, path = locked(tmp_path)
    (lock.path / "weights.safetensors").write_bytes(b"others")
    with pytest.raises(UserError, match="its bytes are not those locked in"):
        verify_files(lock, path)


def test_the_digest_is_of_the_files_and_not_of_their_place(tmp_path: Path) -> None:
    lock, _ = locked(tmp_path)
    moved = LockedModel("elsewhere", "1" * 40, tmp_path / "other", lock.files)
    assert moved.digest == lock.digest
    assert LockedModel("owner/name", "0" * 40, lock.path, {"weights.safetensors": "f" * 64}).digest != lock.digest
