"""The index of photos: which bytes lie at which path, hashing only files that changed."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.photo_folder.listing import Found, find_files
from darkroom.photo_folder.path_text import found_path
from darkroom.storage.files import read_json, sha256_file, write_json
from darkroom.storage.threads import on_threads

# Texts beside photos, such as cat.txt beside cat.jpg: captions and not photos.
SIDECAR_SUFFIXES = (".txt", ".caption")


@dataclass(frozen=True)
class IndexedFile:
    """A file found: its path, as text and relative to the photos folder, and the sha256 of its bytes.

    The sha256 is empty where the bytes cannot be read, and where a file is not to be opened at all, such as a hidden
    one: then `status` and `reason` say why.
    """

    path: str
    sha256: str
    status: str = ""
    reason: str = ""

    @property
    def photo(self) -> str:
        """The identity of a photo: the first 16 hex digits of the sha256 of its bytes."""
        return self.sha256[:16]


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


def _entry(found: Found, before: dict[str, Any]) -> dict[str, Any]:
    """What the index holds of a file, without a sha256 where its bytes changed or could not be read before."""
    if found.stat is None:
        return {"sha256": "", "status": found.status, "reason": found.reason}
    # Programs may keep the time of the content; that of the change is the kernel's.
    times = [found.stat.st_mtime_ns, found.stat.st_ctime_ns]
    stamp = [found.stat.st_size, *times, found.stat.st_ino]
    if before.get("sha256") and before["stamp"] == stamp:
        return before
    return {"stamp": stamp}


def refresh_index(folder: Path, index_file: Path, key: str = "photos") -> list[IndexedFile]:
    """List the files below a folder, hash those whose size, time or inode changed, and rewrite the index if needed.

    Raises UserError, which names the config's `key`, where the folder is missing, is no folder, cannot be listed or
    holds no file that is to be opened.
    """
    if not folder.is_dir():
        raise UserError(f"{key}: there is no folder {folder}; set `{key}` to a folder of pictures")
    try:
        listing = sorted(find_files(folder), key=lambda found: found.path)
    except OSError as error:
        raise UserError(f"{key}: the folder {folder} cannot be listed ({error.strerror}); correct that") from None
    if not any(found.stat for found in listing):
        raise UserError(f"{key}: the folder {folder} holds no files; put your pictures there")
    known = _last_index(index_file)
    fresh = {found.path: _entry(found, known.get(found.path, {})) for found in listing}
    unread = [path for path, entry in fresh.items() if "sha256" not in entry]
    hashes = on_threads(_sha256_or_empty, [found_path(folder, path) for path in unread], os.cpu_count() or 1)
    for path, sha256 in zip(unread, hashes, strict=True):
        fresh[path]["sha256"] = sha256
    if fresh != known:
        write_json(index_file, fresh)
    return _indexed(fresh)


def read_index(index_file: Path) -> list[IndexedFile]:
    """The index as last refreshed."""
    return _indexed(read_json(index_file))


def _indexed(entries: dict[str, Any]) -> list[IndexedFile]:
    return [
        IndexedFile(path, entry["sha256"], entry.get("status", ""), entry.get("reason", ""))
        for path, entry in entries.items()
    ]


def shard_of(file: IndexedFile, shards: int) -> int:
    """The shard a file belongs to: by its bytes, so that names and folders never decide. Unreadable files go to 0."""
    return int(file.photo, 16) % shards if file.sha256 else 0
