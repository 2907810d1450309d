"""Photos as vectors of an embedding, in a file between two rooms."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from darkroom.storage.files import write_bytes


def write_vectors(path: Path, names: Sequence[str], vectors: np.ndarray) -> None:
    """Write unit vectors (n, dimensions), float32, of n photos, ids of 16 letters, as one array of records (.npy)."""
    records = np.zeros(len(names), [("photo", "U16"), ("vector", np.float32, vectors.shape[1:] or (0,))])
    if len(names):
        records["photo"], records["vector"] = names, vectors
    file = io.BytesIO()
    np.save(file, records, allow_pickle=False)
    write_bytes(path, file.getvalue())


def read_vectors(path: Path) -> dict[str, np.ndarray]:
    """The vectors by photo."""
    records = np.load(path, allow_pickle=False)
    return dict(zip(records["photo"].tolist(), records["vector"], strict=True))
