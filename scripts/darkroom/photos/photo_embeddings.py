"""Neighbours of photos in an embedding: what a model takes to be alike, for a closer look."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from darkroom.imaging.thumbnails import load_thumbnail, thumbnail_key
from darkroom.models.clip_vectors import ClipVectors
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos.pairs import Pair, best_of_each
from darkroom.storage.cache import Cache

# So many photos are compared with all others at a time.
BLOCK = 512


def embed_photos(photos: Sequence[PhotoFile], folder: Path, thumbnails: Cache, vectors: ClipVectors) -> np.ndarray:
    """Unit vectors (photos, dimensions), float32, of photos, seen as thumbnails."""
    names = [thumbnail_key(photo.sha256) for photo in photos]
    load = {name: partial(load_thumbnail, thumbnails, photo, folder) for name, photo in zip(names, photos, strict=True)}
    found = vectors.of_pictures(load)
    return np.array([found[name] for name in names], np.float32)


def neighbours(vectors: np.ndarray, least: float, most: int) -> dict[Pair, float]:
    """Pairs of row numbers of unit vectors (n, dimensions) and their cosine: for each row its `most` nearest others
    whose cosine is at least `least`."""
    found: dict[Pair, float] = {}
    for start in range(0, len(vectors), BLOCK):
        cosines = vectors[start : start + BLOCK] @ vectors.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf
        row, other = np.nonzero(cosines >= least)
        best = best_of_each(row + start, other, -cosines[row, other], most)
        found |= {pair: float(vectors[pair[0]] @ vectors[pair[1]]) for pair in best}
    return found
