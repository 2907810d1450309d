"""Alignments of pairs of photos, remembered: an added photo is aligned with its own candidates and with no others."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos import alignment
from darkroom.photos.alignment import Alignment, align
from darkroom.photos.local_features import PhotoFeatures
from darkroom.photos.pairs import Mirrors
from darkroom.storage.cache import Cache, cache_key
from darkroom.storage.code_version import code_version
from darkroom.storage.threads import on_threads

# Features held at a time, up to 300 kB each.
HELD_FEATURES = 1024
# What decides an alignment: for `code_version`.
MODULES = (*alignment.MODULES, sys.modules[__name__])


@dataclass(frozen=True)
class Wanted:
    """Two photos to align, the first before the second in every run; `orientation` and `mirrors` as in `align`."""

    first: PhotoFile
    second: PhotoFile
    orientation: str | None
    mirrors: Mirrors

    @property
    def name(self) -> str:
        """What is wanted of the first photo."""
        mirrors = "".join("um"[mirrored] for mirrored in sorted(self.mirrors))
        return f"{self.second.sha256} {mirrors} {self.orientation or ''}"


class PairAlignments:
    """Aligns pairs of photos on some threads, from the cache where it was done before.

    What is found out lies in the cache under the first photo of each pair. `load_photo_features` gets
    the name of a photo, on any thread.
    `computed` counts the alignments that were not remembered.
    """

    def __init__(self, load_photo_features: Callable[[str], PhotoFeatures], cache: Cache, threads: int) -> None:
        self.cache = cache
        self.threads = threads
        self.computed = 0
        self._version = code_version(*MODULES)
        self._photo_features = lru_cache(maxsize=HELD_FEATURES)(load_photo_features)

    def align(self, pairs: Sequence[Wanted]) -> list[Alignment | None]:
        """The alignment of each pair.

        One that a neighbouring run overwrites in the cache costs only the time to compute it again.
        """
        firsts = {pair.first.sha256: self._key(pair.first) for pair in pairs}
        known: dict[str, dict[str, Any]] = {sha256: self.cache.load(key) or {} for sha256, key in firsts.items()}
        missing = [pair for pair in pairs if pair.name not in known[pair.first.sha256]]
        for pair, found in zip(missing, on_threads(self._compute, missing, self.threads), strict=True):
            known[pair.first.sha256][pair.name] = found
        for sha256 in {pair.first.sha256 for pair in missing}:
            self.cache.store(firsts[sha256], known[sha256])
        self.computed += len(missing)
        return [_unpacked(known[pair.first.sha256][pair.name]) for pair in pairs]

    def _key(self, photo: PhotoFile) -> str:
        return cache_key(stage="alignments", photo=photo.sha256, code=self._version)

    def _compute(self, pair: Wanted) -> dict[str, Any] | None:
        first, second = self._photo_features(pair.first.photo), self._photo_features(pair.second.photo)
        return _packed(align(first, second, pair.orientation, pair.mirrors))


def _packed(found: Alignment | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found) | {"matrix": found.matrix.tolist()}


def _unpacked(values: dict[str, Any] | None) -> Alignment | None:
    return None if values is None else Alignment(**values | {"matrix": np.array(values["matrix"], np.float64)})
