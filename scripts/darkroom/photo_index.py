"""The index of photos: which bytes lie at which path, hashing only files that changed."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.files import read_json, sha256_file, write_json


@dataclass(frozen=True)
class IndexedFile:
    """A file found: its path relative to the photos folder and the sha256 of its bytes, empty where unreadable."""

    path: str
    sha256: str

    @property
    def photo(self) -> str:
        """The identity of a photo: the first 16 hex digits of the sha256 of its bytes."""
        return self.sha256[:16]


def _files_below(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Every file below a folder with its stat, sorted by relative path; hidden files and folders are left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(parent) / name
            if not name.startswith(".") and path.exists() and path.is_file():
                found.append((str(path.relative_to(folder)), path.stat()))
    return sorted(found, key=lambda item: item[0])


def _sha256_or_empty(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        return ""


def _last_index(index_file: Path) -> dict[str, Any]:
    """The index as last written; empty where there is none or a crash has damaged it."""
    try:
        return dict(read_json(index_file))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def refresh_index(photos: Path, index_file: Path) -> list[IndexedFile]:
    """List the files below `photos`, hash those whose size, time or inode changed, and rewrite the index if needed.

    Raises UserError where the folder is missing, is no folder or holds no file.
    """
    if not photos.is_dir():
        raise UserError(f"photos: there is no folder {photos}; set `photos` to the folder of your raw photos")
    known = _last_index(index_file)
    fresh: dict[str, Any] = {}
    for path, stat in _files_below(photos):
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        before = known.get(path)
        same = before is not None and before["stamp"] == stamp and before["sha256"]
        fresh[path] = before if same else {"stamp": stamp, "sha256": _sha256_or_empty(photos / path)}
    if not fresh:
        raise UserError(f"photos: the folder {photos} holds no files; put your raw photos there")
    if fresh != known:
        write_json(index_file, fresh)
    return [IndexedFile(path, entry["sha256"]) for path, entry in fresh.items()]


def read_index(index_file: Path) -> list[IndexedFile]:
    """The index as last refreshed."""
    return [IndexedFile(path, entry["sha256"]) for path, entry in read_json(index_file).items()]


def shard_of(file: IndexedFile, shards: int) -> int:
    """The shard a file belongs to: by its bytes, so that names and folders never decide. Unreadable files go to 0."""
    return int(file.photo, 16) % shards if file.sha256 else 0
