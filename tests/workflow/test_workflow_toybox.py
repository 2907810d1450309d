"""The quickstart: planted defects in their tables with the right reason, good photos kept, a LoRA that learnt."""

import csv
import json
from pathlib import Path

import pytest
from checkout import Checkout, make_checkout


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which the quickstart's photos have been selected."""
    checkout = make_checkout(tmp_path_factory.mktemp("quickstart") / "darkroom")
    checkout.snakemake("results/toybox/selection.csv")
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


@pytest.mark.slow
def test_the_subject_is_learnt_and_the_rest_left_alone(quickstart: Checkout) -> None:
    quickstart.snakemake()
    run = quickstart.folder / "results" / "toybox" / "pocket-sdxl" / "main"
    step = json.loads((run / "evaluation" / "choice.json").read_text())["step"]
    losses = {int(row["step"]): row for row in table(run / "training" / "validation.csv")}
    fall, unasked, harm = (
        1 - float(losses[step][name]) / float(losses[0][name]) for name in ("loss", "untriggered_loss", "prior_loss")
    )
    assert fall >= 0.3
    assert unasked <= fall / 3
    assert harm >= -0.1
    base, *_, chosen = [row for row in table(run / "evaluation" / "scores.csv") if int(row["step"]) in (0, step)]
    rise = float(chosen["likeness"]) - float(base["likeness"])
    assert rise > 3 * max(float(chosen["likeness_se"]), float(base["likeness_se"]))
    assert float(chosen["prompt_following"]) >= 0.9 * float(base["prompt_following"])
