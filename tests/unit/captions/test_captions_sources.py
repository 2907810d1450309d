"""Who describes a photo: overrides before sidecars before the captioner, and nobody is never an empty caption."""

from pathlib import Path

import pytest

from darkroom.captions.caption_sources import describe_photos, read_sidecars
from darkroom.errors import UserError
from darkroom.overrides import Override

PHOTOS = [
    {"path": "a.jpg", "photo": "a" * 16, "status": "ok", "of_path": ""},
    {"path": "a.txt", "photo": "t" * 16, "status": "sidecar", "of_path": "a.jpg"},
    {"path": "b.caption", "photo": "u" * 16, "status": "sidecar", "of_path": "b.jpg"},
    {"path": "b.jpg", "photo": "b" * 16, "status": "ok", "of_path": ""},
    {"path": "b.txt", "photo": "v" * 16, "status": "sidecar", "of_path": "b.jpg"},
    {"path": "c.jpg", "photo": "c" * 16, "status": "ok", "of_path": ""},
]


def test_sidecars_are_read_as_text_whatever_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffa dog".encode())
    (tmp_path / "b.caption").write_bytes(b"  \n")
    (tmp_path / "b.txt").write_bytes(b"a cat \xff\n")
    assert read_sidecars(PHOTOS, tmp_path) == {"a" * 16: "a dog", "b" * 16: "a cat \ufffd"}


def test_overrides_before_sidecars_before_the_captioner() -> None:
    captions = [{"photo": name, "caption": f"machine {name}", "model": "m"} for name in ("a", "b", "c")]
    found = describe_photos(
        ["a", "b", "c"],
        captions,
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
        describe_photos(["a", "b"], [{"photo": "a", "caption": "x"}, {"photo": "b", "caption": "  "}], {}, {})
