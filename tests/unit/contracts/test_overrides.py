"""The user's own decisions: read as written, and every mistake is one line that names its line."""

from pathlib import Path

import pytest
from table_rows import photo_file

from darkroom.contracts.overrides import Override, read_overrides
from darkroom.errors import UserError


def _overrides(folder: Path, text: str) -> dict[str, Override]:
    (folder / "overrides.csv").write_text(text, encoding="utf-8", newline="")
    photos = [photo_file(name, path=path) for name, path in (("1a", "x/a.jpg"), ("1b", "x/b.jpg"), ("1c", "y/b.jpg"))]
    return read_overrides(folder / "overrides.csv", photos)


def test_reading_overrides(tmp_path: Path) -> None:
    text = 'photo,keep,box,caption\na.jpg,no,,\n1b,,10 20 30 40.5,"a toy, seen from behind"\ny/b.jpg,true,,\n'
    assert _overrides(tmp_path, text) == {
        "1a": Override(keep=False),
        "1b": Override(box=(10, 20, 30, 40.5), caption="a toy, seen from behind"),
        "1c": Override(keep=True),
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("z.jpg,no,,", "line 2: 'z.jpg' matches no readable photo"),
        ("b.jpg,no,,", "name of several photos"),
        ("a.jpg,maybe,,", "keep is 'maybe'"),
        ("a.jpg,,1 2 3,", "box is '1 2 3'"),
        ("a.jpg,,9 2 3 4,", "x0 must be less than x1"),
        ("a.jpg,no,,\n1a,no,,", "line 3: '1a' has a line already"),
        ('a.jpg,,,"two\nlines"\n\n1a,no,,', "line 5: '1a' has a line already"),
        ("a.jpg,,1 2 401 4,", "nor beyond the photo, which is 400 x 300"),
        ("a.jpg,,1 2 3 inf,", "nor beyond the photo"),
        ("a.jpg,,nan 2 3 4,", "x0 must be less than x1"),
        ("a.jpg,,,a dog, on grass", "line 2 has more fields than the header; put a caption with commas in double"),
        ('a.jpg,,,"a dog\n1b,no,,\ny/b.jpg,no,,', "line 2: unexpected end of data; put a caption with quotes"),
        ('a.jpg,,,"a "red" dog"', "line 2: "),
        (f"a.jpg,,,{'a' * 140_000}", "line 2: field larger than field limit"),
    ],
)
def test_wrong_overrides_are_one_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        _overrides(tmp_path, f"photo,keep,box,caption\n{line}\n")
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["photo,kept\na.jpg,no\n", "photo;keep\n", "keep\n", "photo,keep,keep\n", "", "\n"])
def test_a_wrong_header_is_told_with_rows_and_without(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="its columns must be among photo, keep, box, caption, each once, with photo"):
        _overrides(tmp_path, text)


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    """A mark at the beginning, their line ends, rows without anything, columns left out."""
    text = "\ufeffphoto, keep\r\n,\r\na.jpg,no\r\n\r\n1b\r\n"
    assert _overrides(tmp_path, text) == {"1a": Override(keep=False), "1b": Override()}


def test_a_file_that_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "overrides.csv").write_bytes("photo,caption\na.jpg,café\n".encode("cp1252"))
    with pytest.raises(UserError, match="not UTF-8; save it as a CSV in UTF-8"):
        read_overrides(tmp_path / "overrides.csv", [])
    with pytest.raises(UserError, match="there is no file"):
        read_overrides(tmp_path / "none.csv", [])
    assert read_overrides(None, []) == {}
