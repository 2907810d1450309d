"""Files: whole or not at all, hashed, linked."""

import errno
from pathlib import Path

import pytest

from darkroom.errors import user_error
from darkroom.storage.files import TEMPORARY_NAME, link_or_copy, replacing, sha256_bytes, sha256_file
from darkroom.storage.process_identity import this_process


def test_a_file_being_written_has_a_temporary_name(tmp_path: Path) -> None:
    for name in ("masks.csv", "no_suffix", "a.b.safetensors", "x" * 80 + ".png"):
        with replacing(tmp_path / name) as temporary:
            match = TEMPORARY_NAME.match(temporary.name)
            assert match is not None
            assert match[1] == this_process()
            assert temporary.suffix == Path(name).suffix or name == "no_suffix"
    assert not TEMPORARY_NAME.match(".snakemake_timestamp")


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota is used up"), (errno.EROFS, "read-only file system")],
)
def test_trouble_with_the_disk_names_the_file_and_not_its_temporary_one(
    tmp_path: Path, number: int, words: str
) -> None:
    path = tmp_path / "masks.csv"
    for name in (None, "temporary"):
        with pytest.raises(OSError) as caught, replacing(path) as temporary:
            raise OSError(number, "trouble", None if name is None else str(temporary))
        line = str(user_error(caught.value))
        assert line.startswith(f"{path}: ")
        assert words in line
        assert "finished work is kept" in line
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["file.txt"]


def test_hashes_agree(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_file(tmp_path / "x") == sha256_bytes(b"abc")
    assert sha256_bytes(b"abc").startswith("ba7816bf")


def test_links_replace_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    (tmp_path / "link").write_text("old")
    link_or_copy(tmp_path / "source", tmp_path / "link")
    assert (tmp_path / "link").read_text() == "new"
