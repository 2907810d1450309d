"""The index knows photos by their bytes."""

import os
import time
from pathlib import Path

import pytest

from darkroom.errors import UserError
from darkroom.photo_folder import index as photo_index
from darkroom.photo_folder.index import IndexedFile, read_index, refresh_index, shard_of


def make(folder: Path, **files: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_only_changed_files_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, index = make(tmp_path / "photos", a=b"1", b=b"2"), tmp_path / "index.json"
    first = refresh_index(photos, index)
    hashed: list[str] = []
    real = photo_index.sha256_file
    monkeypatch.setattr(photo_index, "sha256_file", lambda path: hashed.append(path.name) or real(path))
    make(photos, c=b"3")
    again = refresh_index(photos, index)
    assert hashed == ["c"]
    assert again[:2] == first
    assert read_index(index) == again


def test_a_replacement_with_an_older_time_is_seen(tmp_path: Path) -> None:
    photos, index = make(tmp_path / "photos", a=b"old"), tmp_path / "index.json"
    before = refresh_index(photos, index)
    (tmp_path / "other").write_bytes(b"new")
    os.utime(tmp_path / "other", (1, 1))
    (tmp_path / "other").replace(photos / "a")
    assert refresh_index(photos, index) != before


def test_what_is_written_in_place_under_its_old_time_is_seen(tmp_path: Path) -> None:
    photos, index = make(tmp_path / "photos", a=b"old"), tmp_path / "index.json"
    before, times = refresh_index(photos, index), (photos / "a").stat()
    time.sleep(0.05)  # the kernel's clock of changes has ticks
    with (photos / "a").open("r+b") as file:
        file.write(b"new")
    os.utime(photos / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert refresh_index(photos, index) != before


def test_hidden_files_and_broken_links_are_listed_and_not_read(tmp_path: Path) -> None:
    photos = make(tmp_path / "photos", a=b"1")
    make(photos / ".trash", b=b"2")
    (photos / "gone").symlink_to(tmp_path / "nowhere")
    files = refresh_index(photos, tmp_path / "index.json")
    assert [(file.path, file.status, bool(file.sha256)) for file in files] == [
        (".trash/", "unsupported", False),
        ("a", "", True),
        ("gone", "unreadable", False),
    ]
    assert all(file.reason for file in files if file.status)
    assert read_index(tmp_path / "index.json") == files


@pytest.mark.parametrize("kind", ["missing", "empty", "file", "hidden"])
def test_no_photos_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    photos = tmp_path / "photos"
    if kind in ("empty", "hidden"):
        photos.mkdir()
    if kind == "hidden":
        (photos / ".DS_Store").write_bytes(b"x")
    if kind == "file":
        photos.write_text("x")
    with pytest.raises(UserError, match="photos: "):
        refresh_index(photos, tmp_path / "index.json")
    assert not (tmp_path / "index.json").exists()


def test_equal_bytes_share_a_shard() -> None:
    one, two = IndexedFile("a.jpg", "ab" * 32), IndexedFile("other/b.jpg", "ab" * 32)
    assert one.photo == two.photo == "ab" * 8
    assert all(shard_of(one, shards) == shard_of(two, shards) < shards for shards in (1, 2, 7))
    assert shard_of(IndexedFile("locked.jpg", ""), 7) == 0


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"a")
    wanted = refresh_index(photos, tmp_path / "index.json")
    for damage in (b"", b"{", b"[]", b"\0\0"):
        (tmp_path / "index.json").write_bytes(damage)
        assert refresh_index(photos, tmp_path / "index.json") == wanted
        assert read_index(tmp_path / "index.json") == wanted
