"""A folder of photos among every kind of odd and bad file goes through Snakemake as any other."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from checkout import Checkout
from odd_files import make_odd_files
from tiny_dng import tiny_dng

from darkroom.imaging.open_photo import open_photo
from darkroom.imaging.photo_error import PhotoError
from darkroom.storage.tables import read_table

NAMED = rb"named caf" + b"\xe9\n$(touch pwned).png"
TOLD = r"named caf\xe9\x0a$(touch pwned).png"


def add_photos(source: Path, folder: Path) -> dict[str, tuple[int, int]]:
    """Good photos, some of them as AVIF, camera raw, and under a name of odd bytes with a caption; sizes by path."""
    raw, avif, named, *others = [source / f"IMG_{number}.jpg" for number in ("0412", "0418", "0422", "0424", "0428")]
    sizes = {}
    for path in others:
        shutil.copyfile(path, folder / path.name)
        sizes[path.name] = open_photo(path).picture.size
    picture = open_photo(raw).picture
    (folder / "raw.dng").write_bytes(tiny_dng(np.asarray(picture)))
    open_photo(avif).picture.save(folder / "as.avif", quality=95)
    open_photo(named).picture.save(folder / os.fsdecode(NAMED))
    (folder / os.fsdecode(NAMED)).with_suffix(".txt").write_text("a toy of mine in the garden")
    return sizes | {
        "raw.dng": picture.size,
        "as.avif": open_photo(avif).picture.size,
        TOLD: open_photo(named).picture.size,
    }


def copy_without_times(source: Path, folder: Path) -> None:
    """Pictures that nothing but their pixels tells to be alike: a photo taken at the same time is always looked at."""
    folder.mkdir()
    for path in source.rglob("*.jpg"):
        with suppress(PhotoError):
            open_photo(path).picture.save(folder / f"{path.stem}.png")


@pytest.mark.slow
def test_odd_and_bad_files_stop_no_run(checkout: Checkout) -> None:
    folder, results = checkout.folder, checkout.folder / "results" / "mini"
    expected = make_odd_files(folder / "photos", folder / "outside")
    good = add_photos(folder / "resources" / "toybox" / "photos" / "garden", folder / "photos")
    arguments = ["--configfile", "config/mini.yaml", "--config", "photos=photos", "shards=3"]
    target = "results/mini/pocket-mini/dataset/manifest.json"
    checkout.snakemake(target, *arguments)
    rows = {row["path"]: row for row in read_table(results / "photos.csv")}
    assert set(rows) == {*expected, *good, TOLD.replace(".png", ".txt")}
    sizes = {path: wanted.picture.size for path, wanted in expected.items() if wanted.picture is not None} | good
    for path, wanted in expected.items():
        assert rows[path]["status"] == wanted.status, rows[path]
    for path, size in sizes.items():
        assert (int(rows[path]["width"]), int(rows[path]["height"])) == size
    selection = read_table(results / "selection.csv")
    assert {row["photo"] for row in selection} == {row["photo"] for row in rows.values() if row["status"] == "ok"}
    selected = {row["photo"] for row in selection if row["selected"] == "true"}
    assert {rows[path]["photo"] for path in ("raw.dng", "as.avif", TOLD)} <= selected
    captions = {row["frame"]: row["caption"] for row in read_table(results / "pocket-mini" / "captions.csv")}
    assert "of mine" in captions[rows[TOLD]["photo"]]
    again = checkout.snakemake(target, *arguments, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    assert not list(folder.rglob("pwned"))


@pytest.mark.slow
def test_an_embedding_proposes_further_pairs(checkout: Checkout) -> None:
    """Pairs that no hash and no feature proposes are aligned because a model takes them to be alike."""
    results = checkout.folder / "results" / "mini"
    copy_without_times(checkout.folder / "resources" / "toybox" / "photos", checkout.folder / "photos")
    blind = "hash_distance: 0, min_shared_features: 100000"
    arguments = ["results/mini/duplicates.csv", "--configfile", "config/mini.yaml", "--config", "photos=photos"]
    checkout.snakemake(*arguments, f"duplicates={{{blind}}}")
    before = sum(row["kind"] != "" for row in read_table(results / "duplicates.csv"))
    seeing = f"duplicates={{{blind}, embedding: resources/pocket/clip, min_similarity: 0.5}}"
    checkout.snakemake(*arguments, seeing)
    rows = read_table(results / "neighbours.csv")
    assert rows and all(float(row["similarity"]) >= 0.5 for row in rows)
    assert checkout.computed("mini", "embed_photos") > 0
    assert sum(row["kind"] != "" for row in read_table(results / "duplicates.csv")) > before


@pytest.mark.slow
def test_an_embedding_tells_which_photos_are_alike(checkout: Checkout) -> None:
    """The best few are other ones where a model says what is alike, and no more than were asked for."""
    chosen = []
    for duplicates in ("{}", "{embedding: resources/pocket/clip}"):
        config = [f"duplicates={duplicates}", "selection={min_side: 128, count: 5}"]
        checkout.snakemake("results/mini/selection.csv", "--configfile", "config/mini.yaml", "--config", *config)
        rows = read_table(checkout.folder / "results" / "mini" / "selection.csv")
        chosen.append({row["photo"] for row in rows if row["selected"] == "true"})
        assert any(row["reason"].startswith("not among the best 5: like ") for row in rows)
        assert len(chosen[-1]) == 5
    assert chosen[0] != chosen[1]
