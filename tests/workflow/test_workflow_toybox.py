"""The quickstart: planted defects in their tables with the right reason, good photos kept, a LoRA that learnt."""

import csv
from pathlib import Path

import pytest
from conftest import Checkout, make_checkout


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which plain `snakemake` has run once."""
    checkout = make_checkout(tmp_path_factory.mktemp("quickstart") / "darkroom")
    checkout.snakemake()
    return checkout


@pytest.fixture(scope="module")
def truth(quickstart: Checkout) -> list[dict[str, str]]:
    """What the toybox says of each of its files."""
    return table(quickstart.folder / "resources" / "toybox" / "truth.csv")


def by_path(quickstart: Checkout) -> dict[str, dict[str, str]]:
    return {row["path"]: row for row in table(quickstart.folder / "results" / "toybox" / "photos.csv")}


def test_every_file_is_one_row(quickstart: Checkout, truth: list[dict[str, str]]) -> None:
    assert sorted(by_path(quickstart)) == sorted(row["path"] for row in truth)


def test_all_good_photos_are_kept_and_no_other(quickstart: Checkout, truth: list[dict[str, str]]) -> None:
    photos = by_path(quickstart)
    selection = table(quickstart.folder / "results" / "toybox" / "selection.csv")
    kept = {row["photo"] for row in selection if row["selected"] == "true"}
    good = {photos[row["path"]]["photo"] for row in truth if row["role"] == "good"}
    assert len(good) == 24
    assert kept == good
    splits = {row["split"] for row in selection if row["selected"] == "true"}
    assert splits == {"train", "held_out"}


STATUSES = ("exact", "truncated", "empty", "text", "notes", "unsupported", "sidecar")
KINDS = ("recompressed", "mirrored", "rotated", "cropped", "burst")
REASONS = {"blurred": "blur", "dark": "dark", "tiny": "small"}


def test_planted_files_have_their_status(quickstart: Checkout, truth: list[dict[str, str]]) -> None:
    photos = by_path(quickstart)
    for row in truth:
        expected = row["expected_status_or_kind"] if row["role"] in STATUSES else "ok"
        found = photos[row["path"]]
        assert found["status"] == expected, row["path"]
        assert (found["reason"] != "") == (expected != "ok"), row["path"]


def test_planted_copies_have_their_kind(quickstart: Checkout, truth: list[dict[str, str]]) -> None:
    photos = by_path(quickstart)
    groups = {row["photo"]: row for row in table(quickstart.folder / "results" / "toybox" / "duplicates.csv")}
    for row in truth:
        if row["role"] not in KINDS:
            continue
        found = groups[photos[row["path"]]["photo"]]
        assert found["kind"] == row["expected_status_or_kind"] == row["role"], row["path"]
        assert found["of"] == photos[row["of_path"]]["photo"], row["path"]


def test_planted_defects_have_their_reason(quickstart: Checkout, truth: list[dict[str, str]]) -> None:
    photos = by_path(quickstart)
    selection = {row["photo"]: row for row in table(quickstart.folder / "results" / "toybox" / "selection.csv")}
    for row in truth:
        if row["role"] in REASONS:
            found = selection[photos[row["path"]]["photo"]]
            assert found["selected"] == "false"
            assert REASONS[row["role"]] in found["reason"], (row["path"], found["reason"])


def test_the_subject_is_learnt(quickstart: Checkout) -> None:
    losses = table(quickstart.folder / "results" / "toybox" / "pocket-sdxl" / "main" / "training" / "validation.csv")
    first, last = float(losses[0]["loss"]), float(losses[-1]["loss"])
    assert losses[0]["step"] == "0"
    assert last < 0.75 * first
