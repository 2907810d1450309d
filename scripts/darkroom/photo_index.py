"""The index of photos: which bytes lie at which path, hashing only files that changed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.files import read_json, sha256_file, write_json

# Texts beside photos, such as cat.txt beside cat.jpg: captions and not photos.
SIDECAR_SUFFIXES = (".txt", ".caption")


@dataclass(frozen=True)
class IndexedFile:
    """A file found: its path relative to the photos folder and the sha256 of its bytes, empty where unreadable."""

    path: str
    sha256: str

    @property
    def photo(self) -> str:
        """The identity of a photo: the first 16 hex digits of the sha256 of its bytes."""
        return self.sha256[:16]


def _files_below(folder: str, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder with its relative path and stat; hidden ones and links to folders are left out."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(entry.path, f"{prefix}{entry.name}/")
        elif entry.is_file():
            yield f"{prefix}{entry.name}", entry.stat()


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


def refresh_index(folder: Path, index_file: Path, key: str = "photos") -> list[IndexedFile]:
    """List the files below a folder, hash those whose size, time or inode changed, and rewrite the index if needed.

    Raises UserError, which names the config's `key`, where the folder is missing, is no folder or holds no file.
    """
    if not folder.is_dir():
        raise UserError(f"{key}: there is no folder {folder}; set `{key}` to a folder of pictures")
    known = _last_index(index_file)
    fresh: dict[str, Any] = {}
    for path, stat in sorted(_files_below(str(folder)), key=lambda item: item[0]):
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        before = known.get(path)
        same = before is not None and before["stamp"] == stamp and before["sha256"]
        fresh[path] = before if same else {"stamp": stamp, "sha256": _sha256_or_empty(folder / path)}
    if not fresh:
        raise UserError(f"{key}: the folder {folder} holds no files; put your pictures there")
    if fresh != known:
        write_json(index_file, fresh)
    return [IndexedFile(path, entry["sha256"]) for path, entry in fresh.items()]


def read_index(index_file: Path) -> list[IndexedFile]:
    """The index as last refreshed."""
    return [IndexedFile(path, entry["sha256"]) for path, entry in read_json(index_file).items()]


def shard_of(file: IndexedFile, shards: int) -> int:
    """The shard a file belongs to: by its bytes, so that names and folders never decide. Unreadable files go to 0."""
    return int(file.photo, 16) % shards if file.sha256 else 0
