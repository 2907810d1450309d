"""The cache: keys, what is missing, and what a crash has damaged."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from darkroom.storage import tables
from darkroom.storage.cache import Cache, cache_key, cached
from darkroom.storage.code_version import code_version


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 20, b"\xff\xfe"])
def test_a_damaged_result_is_computed_anew(tmp_path: Path, damage: bytes) -> None:
    def compute(names: Sequence[str]) -> Iterator[tuple[str, int]]:
        yield from ((name, 1) for name in names)

    cache, keys = Cache(tmp_path), {"a": cache_key(photo="a"), "b": cache_key(photo="b")}
    cached(cache, keys, compute)
    cache.path(keys["a"]).write_bytes(damage)
    assert cached(cache, keys, compute) == ({"a": 1, "b": 1}, 1)
    assert cached(cache, keys, compute)[1] == 0


def test_an_emptied_picture_is_missing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store_bytes("key", ".png", b"picture")
    assert cache.has("key", ".png")
    cache.path("key", ".png").write_bytes(b"")
    assert not cache.has("key", ".png")
    assert not cache.has("other", ".png")
    assert cache.load_bytes("key", ".png") is None


def test_only_missing_results_are_computed(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def compute(names: list[str]) -> Iterator[tuple[str, int]]:
        asked.append(names)
        for name in names:
            yield name, len(name)

    cache = Cache(tmp_path)
    keys = {name: cache_key(photo=name) for name in ("a", "bb")}
    assert cached(cache, keys, compute) == ({"a": 1, "bb": 2}, 2)
    keys["ccc"] = cache_key(photo="ccc")
    assert cached(cache, keys, compute) == ({"a": 1, "bb": 2, "ccc": 3}, 1)
    assert cached(cache, keys, compute)[1] == 0
    assert asked == [["a", "bb"], ["ccc"]]


def test_results_before_a_crash_are_kept(tmp_path: Path) -> None:
    def compute(names: list[str]) -> Iterator[tuple[str, int]]:
        yield names[0], 1
        raise RuntimeError

    cache = Cache(tmp_path)
    keys = {name: cache_key(photo=name) for name in ("a", "b")}
    with pytest.raises(RuntimeError):
        cached(cache, keys, compute)
    assert cache.load(keys["a"]) == 1
    assert cache.load(keys["b"]) is None


def test_every_part_decides_a_key() -> None:
    assert cache_key(a=1, b=2) == cache_key(b=2, a=1)
    assert len({cache_key(a=1), cache_key(a=2), cache_key(b=1), cache_key(a="1")}) == 4
    assert len(code_version(tables)) == 64
