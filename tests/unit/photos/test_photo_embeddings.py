"""Neighbours in an embedding: the nearest of each photo, embedded once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from table_rows import photo_on_disk

from darkroom.models import clip as clip_model
from darkroom.models.clip import Clip, load_clip
from darkroom.models.clip_vectors import ClipVectors
from darkroom.models.lock import LockedModel
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos import photo_embeddings
from darkroom.photos.candidates import listed_pairs
from darkroom.photos.pairs import Neighbour
from darkroom.photos.photo_embeddings import embed_photos, neighbours
from darkroom.pocket.clip import new_clip
from darkroom.pocket.model_files import save_clip
from darkroom.storage.cache import Cache


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_neighbours_are_the_nearest_above_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(50, 8)))
    cosines = vectors @ vectors.T - 2 * np.eye(50)
    wanted = set()
    for row, others in enumerate(cosines):
        best = [other for other in np.argsort(-others)[:3] if others[other] >= 0.5]
        wanted |= {(min(row, other), max(row, other)) for other in best}
    found = neighbours(vectors, 0.5, 3)
    assert set(found) == wanted and len(wanted) > 20
    assert all(found[pair] == pytest.approx(cosines[pair], abs=1e-6) for pair in found)
    monkeypatch.setattr(photo_embeddings, "BLOCK", 7)
    assert set(neighbours(vectors, 0.5, 3)) == wanted
    assert neighbours(np.zeros((0, 8), np.float32), 0.5, 3) == {}


def test_photos_are_embedded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_clip(new_clip().eval(), tmp_path / "clip", "a card")
    folder, cache = tmp_path / "photos", tmp_path / "cache"
    folder.mkdir()
    rows = []
    for path, colour in (("a.png", "red"), ("b.png", "blue"), ("c.bmp", "red")):
        Image.new("RGB", (90, 60), colour).save(folder / path)
        rows.append(photo_on_disk(folder / path, photo=path[0]))
    loaded = []

    def load(*arguments: object) -> Clip:
        loaded.append(1)
        return load_clip(*arguments)

    monkeypatch.setattr(clip_model, "load_clip", load)

    def embedded(photos: list[PhotoFile], model: str) -> tuple[np.ndarray, int]:
        locked = LockedModel("clip", "local", tmp_path / "clip", {"weights": model})
        vectors = ClipVectors(locked, "cpu", 1, Cache(cache / "embeddings"), "duplicates.embedding")
        return embed_photos(photos, folder, Cache(cache / "thumbnails"), vectors), vectors.computed

    vectors, computed = embedded(rows[:2], "m")
    assert computed == 2 and np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
    more, computed = embedded(rows, "m")
    assert computed == 1 and np.array_equal(more[:2], vectors) and np.array_equal(more[2], more[0])
    assert embedded(rows, "m")[1] == 0 and len(loaded) == 2
    assert embedded(rows, "other")[1] == 3
    pairs = neighbours(more, 0.999999, 20)
    table = [Neighbour(rows[first].photo, rows[second].photo, 1.0) for first, second in pairs]
    assert listed_pairs(rows, table) == set(pairs) == {(0, 2)}
