"""Whatever bytes a name holds, it is one printable line of UTF-8 that leads back to the file."""

import os
import random
from pathlib import Path

import pytest

from darkroom.photo_folder.path_text import found_path, path_text


def test_names_of_any_bytes_come_back_and_none_become_one(tmp_path: Path) -> None:
    chance = random.Random(0)
    bytes_of_names = [byte for byte in range(1, 256) if byte != ord("/")]
    names = {bytes(chance.choices(bytes_of_names, k=chance.randint(1, 20))) for _ in range(5000)}
    names |= {bytes([byte]) for byte in bytes_of_names}
    names |= {b"\\\\", b"\\x0a", b"\\xff", "\x85\u2028".encode()}
    names -= {b".", b".."}  # no names of files
    texts = {name: path_text(os.fsdecode(name)) for name in names}
    assert len(set(texts.values())) == len(names)
    for name, text in texts.items():
        assert len(text.splitlines()) == 1 and text.encode() and "\x1b" not in text
        assert os.fsencode(found_path(tmp_path, text)) == os.fsencode(tmp_path) + b"/" + name


@pytest.mark.parametrize("name", ["IMG_0001.jpg", "münchen 📷 东京.jpg", 'it\'s "quoted", 100% $(x).jpg', " a ", "-rf"])
def test_ordinary_names_stay_as_they_are(tmp_path: Path, name: str) -> None:
    assert path_text(name) == name and found_path(tmp_path, name) == tmp_path / name


def test_paths_keep_their_slashes(tmp_path: Path) -> None:
    assert found_path(tmp_path, r"a\x0ab/c\\d") == tmp_path / "a\nb" / "c\\d"
