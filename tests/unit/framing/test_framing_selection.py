"""Verdicts and their reasons, copies and bursts, overrides, and the split."""

from pathlib import Path

import pytest

from darkroom.errors import UserError
from darkroom.framing.selection import Candidate, candidates, hold_out, require_photos, select_photos
from darkroom.framing.settings import SelectionSettings
from darkroom.overrides import Override, read_overrides

SETTINGS = SelectionSettings(min_side=100)


def candidate(name: str, of: str = "", kind: str = "", group: str = "", **changes: str) -> Candidate:
    photo = {"photo": name, "path": f"{name}.jpg", "status": "ok", "width": "400", "height": "300"}
    mask = {"photo": name, "coverage": "0.2", "x0": "10", "y0": "10", "x1": "90", "y1": "90"}
    quality = {"photo": name, "sharpness": "0.6", "exposure": "0.8", "brightness": "0.8", "unclipped": "1"}
    for row in (photo, mask, quality):
        row |= {key: value for key, value in changes.items() if key in row}
    return Candidate(photo, mask, quality, {"photo": name, "group": group, "kind": kind, "of": of})


def verdicts(*found: Candidate, settings: SelectionSettings = SETTINGS, **overrides: Override) -> dict[str, str]:
    rows = select_photos({item.name: item for item in found}, settings, overrides)
    assert all((row["reason"] in ("", "kept by you")) == row["selected"] for row in rows)
    assert all(bool(row["split"]) == row["selected"] for row in rows)
    return {str(row["photo"]): str(row["reason"]) if not row["selected"] else "selected" for row in rows}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"height": "99"}, "too small"),
        ({"sharpness": "0.1"}, "blurred"),
        ({"exposure": "0.05", "brightness": "0.05"}, "too dark"),
        ({"exposure": "0.05", "unclipped": "0.05"}, "overexposed"),
        ({"coverage": "0.001"}, "no subject found"),
        ({"x0": ""}, "no subject found"),
        ({"coverage": "0.99"}, "subject fills"),
    ],
)
def test_flaws_in_words(changes: dict[str, str], reason: str) -> None:
    found = verdicts(candidate("good"), candidate("bad", **changes))
    assert found["good"] == "selected" and found["bad"].startswith(reason)


def test_copies_are_rejected_with_the_name_of_the_original() -> None:
    found = verdicts(candidate("a", group="a"), candidate("b", of="a", kind="mirrored", group="a"))
    assert found == {"a": "selected", "b": "duplicate of a.jpg (mirrored)"}


def test_a_copy_stands_in_only_where_no_subject_was_found() -> None:
    copy = candidate("b", of="a", kind="cropped", group="a")
    assert verdicts(candidate("a", group="a", x0=""), copy)["b"] == "selected"
    blurred = verdicts(candidate("a", group="a", sharpness="0.1"), copy, candidate("c"))
    assert blurred["b"].startswith("duplicate of a.jpg")


def test_sharpest_of_a_burst_is_kept() -> None:
    shots = [candidate("a", group="a", sharpness="0.5")]
    burst = {"of": "a", "kind": "burst", "group": "a"}
    shots += [candidate("b", **burst, sharpness="0.7"), candidate("c", **burst, sharpness="0.6")]
    assert [verdicts(*shots)[name].partition(":")[0] for name in "abc"] == ["burst", "selected", "burst"]
    every = SETTINGS.model_copy(update={"keep_per_burst": 0})
    assert set(verdicts(*shots, settings=every).values()) == {"selected"}


def test_overrides_win() -> None:
    found = verdicts(
        *(candidate("a", group="a"), candidate("b", of="a", kind="mirrored", group="a"), candidate("c", sharpness="0")),
        *(candidate("d"), candidate("e")),
        a=Override(keep=False),
        c=Override(keep=True),
        d=Override(keep=False),
    )
    assert found["a"] == found["d"] == "dropped by you"
    assert found["b"].startswith("duplicate") and found["c"] == found["e"] == "selected"


def test_nothing_selected_is_one_line_with_counts() -> None:
    with pytest.raises(UserError, match=r"no photo was selected of 2 \(blurred 1, too small 1\)"):
        verdicts(candidate("a", sharpness="0"), candidate("b", width="10"))


def test_only_broken_files_is_one_line() -> None:
    with pytest.raises(UserError, match=r"none of the 2 files in x is a readable photo \(unreadable 2\)"):
        require_photos([{"status": "unreadable"}] * 2, "x")


def test_missing_score_is_found() -> None:
    item = candidate("a")
    with pytest.raises(ValueError, match="1 photos have no mask"):
        candidates([item.photo], [item.mask], [], [item.relation])


def test_split() -> None:
    singles = {f"{number:x}": f"{number:x}" for number in range(30)}
    held = hold_out(singles, 0.1)
    assert len(held) == 3 and hold_out(dict(reversed(singles.items())), 0.1) == held
    assert len(hold_out({name: name for name in "abcdefgh"}, 0.05)) == 1
    assert not hold_out({name: name for name in "abcdefg"}, 0.05) and not hold_out(singles, 0)
    grouped = singles | {f"{number:x}": "g" for number in range(6)}
    held = hold_out(grouped, 0.3)
    assert len({name for name in held if grouped[name] == "g"}) in (0, 6) and 0 < len(held) <= 9
    assert len(hold_out({"a": "a", "b": "b"}, 0.5)) == 1
    assert hold_out(dict.fromkeys("abcdefghij", "one"), 0.5) == set()


def _overrides(folder: Path, text: str) -> dict[str, Override]:
    (folder / "overrides.csv").write_text(text, encoding="utf-8")
    photos = [{"photo": name, "path": path, "status": "ok"} for name, path in (("1a", "x/a.jpg"), ("1b", "x/b.jpg"))]
    photos.append({"photo": "1c", "path": "y/b.jpg", "status": "ok"})
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
    ],
)
def test_wrong_overrides_are_one_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        _overrides(tmp_path, f"photo,keep,box,caption\n{line}\n")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_column_of_overrides(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its columns must be among"):
        _overrides(tmp_path, "photo,kept\na.jpg,no\n")
