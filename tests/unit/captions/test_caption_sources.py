"""Who describes a photo: overrides before sidecars before the captioner, and nobody is never an empty caption."""

import codecs
from dataclasses import replace
from pathlib import Path

import pytest
from table_rows import photo_file

from darkroom.captions.caption_sources import describe_photos, read_sidecars, unread_sidecars
from darkroom.captions.silence import says_nothing
from darkroom.contracts.overrides import Override
from darkroom.errors import UserError
from darkroom.imaging.photo_error import OVERWRITTEN
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_file

PHOTOS = [
    photo_file("a" * 16, path="a.jpg"),
    PhotoFile("a.txt", "t" * 16, "", "sidecar", of_path="a.jpg"),
    PhotoFile("b.caption", "u" * 16, "", "sidecar", of_path="b.jpg"),
    photo_file("b" * 16, path="b.jpg"),
    PhotoFile("b.txt", "v" * 16, "", "sidecar", of_path="b.jpg"),
    photo_file("c" * 16, path="c.jpg"),
]


def surveyed(folder: Path) -> list[PhotoFile]:
    """PHOTOS with the hashes of the files that are there."""
    return [
        replace(file, sha256=sha256_file(folder / file.path)) if (folder / file.path).exists() else file
        for file in PHOTOS
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("\ufeffa café".encode(), "a café"),
        ("a café".encode("utf-16"), "a café"),
        (codecs.BOM_UTF16_BE + "a café".encode("utf-16-be"), "a café"),
        (b"  \n", None),
        ("é".encode() * 600_000, "é" * 500_000),
        (b"x" + "é".encode() * 600_000, "x" + "é" * 499_999),
    ],
)
def test_sidecars_are_read_as_text(data: bytes, text: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    (tmp_path / "b.caption").write_bytes(b" ")
    (tmp_path / "b.txt").write_bytes(b"a cat\n")
    expected = {"b" * 16: "a cat"} | ({"a" * 16: text} if text else {})
    assert read_sidecars(surveyed(tmp_path), tmp_path) == expected
    assert unread_sidecars(surveyed(tmp_path), tmp_path) == {}


@pytest.mark.parametrize(
    "data", ["a café".encode("latin-1"), b"\x00\x01\x02", b"\xff\xd8\xff\xe0", "a".encode("utf-16-le")]
)
def test_a_sidecar_that_is_no_text_is_left_out_and_told(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a dog")
    (tmp_path / "b.caption").write_bytes(data)
    (tmp_path / "b.txt").write_bytes(b"a cat")
    assert read_sidecars(surveyed(tmp_path), tmp_path) == {"a" * 16: "a dog", "b" * 16: "a cat"}
    assert unread_sidecars(surveyed(tmp_path), tmp_path) == {"b.caption": "b" * 16}


def test_a_sidecar_overwritten_during_the_run_is_one_clear_line(tmp_path: Path) -> None:
    for name in ("a.txt", "b.caption", "b.txt"):
        (tmp_path / name).write_text("a cat")
    rows = surveyed(tmp_path)
    (tmp_path / "a.txt").write_text("a dog")
    for read in (read_sidecars, unread_sidecars):
        with pytest.raises(UserError, match=f"a.txt: {OVERWRITTEN}; put back what was there before, or start again"):
            read(rows, tmp_path)


def test_of_a_caption_and_a_txt_the_caption_speaks(tmp_path: Path) -> None:
    for name in ("a.txt", "b.caption", "b.txt"):
        (tmp_path / name).write_text(name)
    assert read_sidecars(surveyed(tmp_path), tmp_path)["b" * 16] == "b.caption"


@pytest.mark.parametrize(
    "text",
    [
        "", " ... ", "N/A", "n/a.", "None", "unanswerable", "I'm sorry, but I can't help with that.", "I’m sorry.",
        "Sorry, I cannot see.", "I cannot describe this image.", "As an AI, I do not look.", "I am unable to say.",
    ],
)  # fmt: skip
def test_refusals_say_nothing(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize(
    "text", ["none of the lamps is lit", "an unknown man", "a sorry sight", "a sign that reads 'I cannot swim'", "犬"]
)
def test_descriptions_say_something(text: str) -> None:
    assert not says_nothing(text)


def test_overrides_before_sidecars_before_the_captioner() -> None:
    machine = {name: f"machine {name}" for name in ("a", "b", "c")}
    found = describe_photos(
        ["a", "b", "c"],
        machine,
        {"a": "side a", "b": "side b"},
        {"a": Override(caption="mine"), "b": Override(keep=True)},
    )
    assert {name: (text.text, text.source) for name, text in found.items()} == {
        "a": ("mine", "override"),
        "b": ("side b", "sidecar"),
        "c": ("machine c", "captioner"),
    }


def test_a_photo_that_nobody_describes_stops_and_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"1 photos .*\(b\).*overrides\.csv"):
        describe_photos(["a", "b"], {"a": "x", "b": "  "}, {}, {})
