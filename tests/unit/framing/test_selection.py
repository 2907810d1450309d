"""Verdicts and their reasons, copies and bursts, overrides, and the split."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from table_rows import mask_row, photo_file, photo_on_disk, quality_row, relation

from darkroom.config.framing import SelectionSettings
from darkroom.contracts.overrides import Override
from darkroom.errors import UserError
from darkroom.framing.flaws import Candidate, candidates
from darkroom.framing.selection import hold_out, require_photos, select_photos
from darkroom.framing.selection_sheet import draw_selection
from darkroom.framing.tables import QualityRow, read_quality
from darkroom.imaging.contact_sheet import AMBER, GREEN, GREY, RED
from darkroom.storage.cache import Cache
from darkroom.storage.tables import write_rows

SETTINGS = SelectionSettings(min_side=100)


def candidate(name: str, **changes: Any) -> Candidate:
    """A good photo, `changes` being of its rows in any table."""
    rows = [photo_file(name), mask_row(name), quality_row(name), relation(name)]
    photo, mask, quality, related = (
        replace(row, **{field: value for field, value in changes.items() if hasattr(row, field)}) for row in rows
    )
    return Candidate(photo, mask, quality, related, changes.get("aesthetic"))


def by_first_letter(names: Sequence[str]) -> np.ndarray:
    """Photos are alike where their names begin alike, and the more so the nearer their second letters are."""
    letters = [ord(name[0]) for name in names], [ord(name[-1]) for name in names]
    first, last = (np.abs(np.subtract.outer(place, place)) for place in letters)
    return np.where(first > 0, 0.1, 1 - last / 50)


def verdicts(*found: Candidate, settings: SelectionSettings = SETTINGS, **overrides: Override) -> dict[str, str]:
    rows = select_photos({item.name: item for item in found}, settings, overrides, by_first_letter)
    assert all((row.reason in ("", "kept by you")) == row.selected for row in rows)
    assert all(bool(row.split) == row.selected for row in rows)
    return {row.photo: "selected" if row.selected else row.reason for row in rows}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"height": 99}, "too small"),
        ({"sharpness": 0.1}, "blurred"),
        ({"exposure": 0.05, "brightness": 0.05}, "too dark"),
        ({"exposure": 0.05, "unclipped": 0.05}, "overexposed"),
        ({"coverage": 0.001}, "no subject found"),
        ({"x0": None}, "no subject found"),
        ({"coverage": 0.99}, "subject fills"),
        ({"subject_side": 20}, "subject too small: 20 x 20 pixels"),
        ({"filled": 0.4}, "bars or a border: filled 0.40 is below 0.5"),
    ],
)
def test_flaws_in_words(changes: dict[str, Any], reason: str) -> None:
    found = verdicts(candidate("good"), candidate("bad", **changes))
    assert found["good"] == "selected" and found["bad"].startswith(reason)


@pytest.mark.parametrize(
    ("score", "bad", "reason"),
    [
        ("noise", 25.0, "noisy: noise 25.00 is below 30"),
        ("compression", 0.3, "compressed"),
        ("unblocked", 0.2, "blocks of compression"),
    ],
)
def test_thresholds_that_are_off(score: str, bad: float, reason: str) -> None:
    poor = candidate("bad", **{score: bad})
    assert verdicts(poor)["bad"] == "selected"
    strict = SETTINGS.model_copy(update={f"min_{score}": 30.0 if score == "noise" else 0.5})
    assert verdicts(candidate("good"), poor, settings=strict)["bad"].startswith(reason)
    assert verdicts(candidate("webp", **{score: None}), settings=strict)["webp"] == "selected"


def test_an_aesthetic_score_counts_where_there_is_one() -> None:
    liked, little = candidate("a", aesthetic=5.5), candidate("b", aesthetic=-0.5)
    strict = SETTINGS.model_copy(update={"min_aesthetic": 0.0})
    assert verdicts(liked, little, settings=strict)["b"] == "little liked: aesthetic -0.50 is below 0"
    assert set(verdicts(liked, little).values()) == {"selected"}


def best(count: int, **changes: object) -> SelectionSettings:
    return SETTINGS.model_copy(update={"count": count, **changes})


def test_best_are_good_and_like_the_others() -> None:
    found = [candidate(name) for name in ("aa", "ab", "ac", "ba", "bb")] + [candidate("zz", sharpness=0.1)]
    chosen = verdicts(*found, settings=best(2))
    assert [name for name in chosen if chosen[name] == "selected"] == ["ab", "ba"]
    assert chosen["aa"] == chosen["ac"] == "not among the best 2: like ab.jpg, which is kept"
    assert chosen["bb"] == "not among the best 2: like ba.jpg, which is kept"
    assert chosen["zz"].startswith("blurred")
    assert set(verdicts(*found[:-1], settings=best(5)).values()) == {"selected"}


def test_quality_weighs() -> None:
    found = [candidate("aa", sharpness=0.9), *(candidate(name) for name in ("ab", "ac", "ba", "bb"))]
    assert verdicts(*found, settings=best(2))["aa"] == "selected"
    assert verdicts(*found, settings=best(2, quality_weight=0.0))["aa"] != "selected"


def test_overrides_are_first_among_the_best_and_count() -> None:
    found = [candidate(name) for name in ("aa", "ab", "ac", "ba")] + [candidate("zz", sharpness=0.1)]
    chosen = verdicts(*found, settings=best(2), zz=Override(keep=True))
    assert chosen["zz"] == chosen["ab"] == "selected" and chosen["ba"].startswith("not among the best 2")
    chosen = verdicts(*found, settings=best(1), zz=Override(keep=True), aa=Override(keep=True), ab=Override(keep=False))
    assert [name for name in chosen if chosen[name] == "selected"] == ["aa", "zz"]
    assert chosen["ab"] == "dropped by you"


def test_best_hold_no_two_of_one_burst() -> None:
    burst = {"of": "aa", "kind": "burst", "group": "aa"}
    found = [candidate("aa", group="aa"), candidate("ab", **burst), candidate("ac", **burst), candidate("ba")]
    chosen = verdicts(*found, settings=best(3, keep_per_burst=0))
    assert [name for name in chosen if chosen[name] == "selected"] == ["ab", "ba"]


def test_best_do_not_depend_on_the_order_of_rows_or_on_names() -> None:
    numbers = random.Random(1)
    found = [
        candidate(f"{letter}{number}", sharpness=round(numbers.uniform(0.3, 0.8), 2))
        for letter in "abc"
        for number in range(6)
    ]
    first = verdicts(*found, settings=best(5))
    numbers.shuffle(found)
    found = [replace(item, photo=replace(item.photo, path=f"{n}.jpg")) for n, item in enumerate(found)]
    again = verdicts(*found, settings=best(5))
    assert list(first) == list(again)
    assert [reason == "selected" for reason in first.values()] == [reason == "selected" for reason in again.values()]


def test_likeness_is_not_asked_for_where_all_stay() -> None:
    def refuse(names: Sequence[str]) -> np.ndarray:
        raise AssertionError("asked")

    found = {name: candidate(name) for name in "abc"}
    for settings in (SETTINGS, best(3)):
        assert all(row.selected for row in select_photos(found, settings, {}, refuse))


def test_sheet_shows_who_is_like_whom(tmp_path: Path) -> None:
    found = {name: candidate(name) for name in ("aa", "ab", "ba")}
    for name in found:
        Image.new("RGB", (60, 40), "green").save(tmp_path / f"{name}.jpg")
    photos = {name: photo_on_disk(tmp_path / f"{name}.jpg") for name in found}
    rows = select_photos(found, best(2), {}, by_first_letter)
    sheet = draw_selection(rows, photos, tmp_path, Cache(tmp_path / "cache"))
    colours = {colour for _, colour in sheet.getcolors(1 << 24)}
    assert {GREEN, GREY} <= colours and not {RED, AMBER} & colours


def test_copies_are_rejected_with_the_name_of_the_original() -> None:
    found = verdicts(candidate("a", group="a"), candidate("b", of="a", kind="mirrored", group="a"))
    assert found == {"a": "selected", "b": "duplicate of a.jpg (mirrored)"}


@pytest.mark.parametrize("changes", [{"x0": None}, {"sharpness": 0.1}, {"exposure": 0.1, "brightness": 0.1}])
def test_a_good_copy_stands_in_for_a_flawed_original(changes: dict[str, Any]) -> None:
    original = candidate("a", group="a", **changes)
    copy = candidate("b", of="a", kind="cropped", group="a")
    smaller = candidate("c", of="a", kind="recompressed", group="a", width=300)
    found = verdicts(original, copy, smaller)
    assert found["b"] == "selected" and found["c"] == "duplicate of b.jpg (recompressed)"
    flawed = candidate("b", of="a", kind="cropped", group="a", sharpness=0.1)
    assert verdicts(original, flawed, candidate("d"))["b"].startswith("duplicate of a.jpg")


def test_sharpest_of_a_burst_is_kept() -> None:
    shots = [candidate("a", group="a", sharpness=0.5)]
    burst = {"of": "a", "kind": "burst", "group": "a"}
    shots += [candidate("b", **burst, sharpness=0.7), candidate("c", **burst, sharpness=0.6)]
    assert [verdicts(*shots)[name].partition(":")[0] for name in "abc"] == ["burst", "selected", "burst"]
    every = SETTINGS.model_copy(update={"keep_per_burst": 0})
    assert set(verdicts(*shots, settings=every).values()) == {"selected"}


def test_overrides_win() -> None:
    found = verdicts(
        *(candidate("a", group="a"), candidate("b", of="a", kind="mirrored", group="a"), candidate("c", sharpness=0)),
        *(candidate("d"), candidate("e")),
        a=Override(keep=False),
        c=Override(keep=True),
        d=Override(keep=False),
    )
    assert found["a"] == found["d"] == "dropped by you"
    assert found["b"].startswith("duplicate") and found["c"] == found["e"] == "selected"


def test_nothing_selected_is_one_line_with_counts() -> None:
    with pytest.raises(UserError, match=r"no photo was selected of 2 \(blurred 1, too small 1\)"):
        verdicts(candidate("a", sharpness=0), candidate("b", width=10))


def test_only_broken_files_is_one_line() -> None:
    with pytest.raises(UserError, match=r"none of the 2 files in x is a readable photo \(unreadable 2\)"):
        require_photos([photo_file("a", status="unreadable")] * 2, "x")


def test_a_row_that_is_gone_is_told(tmp_path: Path) -> None:
    item = candidate("a")
    write_rows(tmp_path / "quality.csv", QualityRow, [])
    scores = read_quality(tmp_path / "quality.csv")
    with pytest.raises(UserError, match=r"quality\.csv: it has no row of a; delete this file"):
        candidates({"a": item.photo}, {"a": item.mask}, scores, {"a": item.relation}, None)


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
