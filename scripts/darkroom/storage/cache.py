"""The cache of expensive results: content-addressed, never owned by Snakemake, safe against kills and neighbours.

A key is the sha256 of everything that decides the result: the bytes it is made from, the model and its revision,
every parameter, the source code that makes it and the versions of the packages that this code imports. So a result
never goes stale, and deleting the cache changes only the time.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.storage.files import canonical_json, sha256_bytes, write_bytes


def cache_key(**parts: Any) -> str:
    """The sha256 of the named parts, which must be JSON values."""
    return sha256_bytes(canonical_json(parts).encode())


@dataclass(frozen=True)
class Cache:
    """One stage's part of the cache: a folder of files named by their key."""

    folder: Path

    def path(self, key: str, suffix: str = ".json") -> Path:
        """Where the result of this key lies, whether or not it is there."""
        return self.folder / key[:2] / f"{key}{suffix}"

    def load_bytes(self, key: str, suffix: str) -> bytes | None:
        """The stored bytes, or None where they are missing or a crash has emptied their file."""
        try:
            return self.path(key, suffix).read_bytes() or None
        except FileNotFoundError:
            return None

    def has(self, key: str, suffix: str) -> bool:
        """Whether there are stored bytes."""
        path = self.path(key, suffix)
        return path.is_file() and path.stat().st_size > 0

    def load(self, key: str) -> Any | None:
        """The stored JSON value, or None where it is missing or damaged: it is then made anew."""
        data = self.load_bytes(key, ".json")
        try:
            return None if data is None else json.loads(data)
        except ValueError:
            return None

    def store_bytes(self, key: str, suffix: str, data: bytes, sync: bool = True) -> Path:
        """Store bytes whole or not at all and return their path; `sync` as in `darkroom.storage.files.replacing`."""
        write_bytes(self.path(key, suffix), data, sync)
        return self.path(key, suffix)

    def store(self, key: str, value: Any) -> None:
        """Store a JSON value. It is not waited for the disk: what a power loss has damaged counts as missing."""
        self.store_bytes(key, ".json", canonical_json(value).encode(), sync=False)


def cached(
    cache: Cache,
    keys: Mapping[str, str],
    compute: Callable[[list[str]], Iterable[tuple[str, Any]]],
) -> tuple[dict[str, Any], int]:
    """Look up one JSON value per id; compute and store the missing ones as they come.

    `keys` maps an id (a photo, a frame) to its cache key. `compute` gets the ids that are missing, sorted, and yields
    (id, value) pairs; it is not called when nothing is missing, so a model loads only where there is work. Returns
    the values by id and the number computed.
    """
    values = {name: cache.load(key) for name, key in keys.items()}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        for name, value in compute(missing):
            cache.store(keys[name], value)
            values[name] = value
    return values, len(missing)
