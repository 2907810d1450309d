"""Alignments of pairs of photos, remembered: an added photo is aligned with its own candidates and with no others."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from darkroom import open_photo as opening
from darkroom import thumbnails
from darkroom.cache import Cache, cache_key, code_version
from darkroom.photos import alignment, fingerprints, local_features
from darkroom.photos.alignment import Alignment, align
from darkroom.photos.local_features import Sketch
from darkroom.tables import Row

# Sketches held at a time, about 300 kB each.
SKETCHES = 1024
# Two photos, the first before the second in every run, and the orientation that their hashes named.
Pair = tuple[Row, Row, str | None]


def align_pairs(
    pairs: Iterable[Pair], load_sketch: Callable[[Row], Sketch], memory: Cache
) -> Iterator[tuple[Alignment | None, bool]]:
    """Yield the alignment of each pair in order, and whether it was computed rather than remembered.

    A photo's alignments with later ones are kept in one file under its key, which grows: each entry is decided by the
    bytes of both photos, so one that a neighbouring run overwrites costs only the time to compute it again.
    """
    version = code_version(*opening.MODULES, thumbnails, fingerprints, local_features, alignment, sys.modules[__name__])
    rows: dict[str, Row] = {}

    @lru_cache(maxsize=SKETCHES)
    def sketch_of(photo: str) -> Sketch:
        return load_sketch(rows[photo])

    for _, group in groupby(pairs, key=lambda pair: pair[0]["photo"]):
        same_first = list(group)
        first = same_first[0][0]
        key = cache_key(stage="alignments", photo=first["sha256"], code=version)
        known: dict[str, Any] = memory.load(key) or {}
        before = len(known)
        for _, second, orientation in same_first:
            name = f"{second['sha256']} {orientation or ''}"
            computed = name not in known
            if computed:
                rows |= {row["photo"]: row for row in (first, second)}
                known[name] = _packed(align(sketch_of(first["photo"]), sketch_of(second["photo"]), orientation))
            yield _unpacked(known[name]), computed
        if len(known) > before:
            memory.store(key, known)


def _packed(found: Alignment | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found) | {"matrix": found.matrix.tolist()}


def _unpacked(values: dict[str, Any] | None) -> Alignment | None:
    return None if values is None else Alignment(**values | {"matrix": np.array(values["matrix"], np.float64)})
