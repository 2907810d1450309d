"""Copies through the real workflow: real photos, any names, folders and cores, and one more photo."""

import shutil
import time
from collections import defaultdict

import numpy as np
import pytest
from checkout import ROOT, Checkout
from PIL import Image

from darkroom.storage.tables import read_table

DREAMBENCH = ROOT.parent / "shared" / "photos" / "dreambench"
TABLE = "results/mini/duplicates.csv"


def run(checkout: Checkout, photos: str, *arguments: str) -> bytes:
    """The bytes of duplicates.csv."""
    checkout.snakemake(
        TABLE, "--configfile", "config/mini.yaml", *arguments, "--config", f"photos={photos}", "shards=3"
    )
    return (checkout.folder / TABLE).read_bytes()


@pytest.mark.slow
def test_real_photos_as_they_are(checkout: Checkout) -> None:
    """Two photos of DreamBench are there twice; all others are different photos, often of one thing in one room."""
    if not DREAMBENCH.is_dir():
        pytest.skip("the photos are not there")
    run(checkout, str(DREAMBENCH))
    paths = {row["photo"]: row["path"] for row in read_table(checkout.folder / "results/mini/photos.csv")}
    groups = defaultdict(set)
    for row in read_table(checkout.folder / TABLE):
        if row["group"]:
            groups[row["group"]].add(paths[row["photo"]])
    assert sorted(sorted(group) for group in groups.values()) == [
        ["cat/02.jpg", "cat/03.jpg"],
        ["dog5/02.jpg", "dog5/03.jpg"],
    ]


@pytest.mark.slow
def test_names_folders_and_cores_change_no_byte(checkout: Checkout) -> None:
    source, moved = checkout.folder / "resources" / "toybox" / "photos", checkout.folder / "moved"
    first = run(checkout, "resources/toybox/photos")
    assert {row["kind"] for row in read_table(checkout.folder / TABLE)} > {"mirrored", "rotated", "cropped", "burst"}
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and path.suffix not in (".txt", ".caption")]
    for number, place in enumerate(np.random.default_rng(0).permutation(len(files))):
        folder = moved / f"{number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[place], folder / f"{number:03d}{files[place].suffix}")
    shutil.rmtree(checkout.folder / ".darkroom")
    assert run(checkout, "moved", "--cores", "1", "--forceall") == first


def picture(number: int) -> Image.Image:
    levels = np.random.default_rng(number).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(levels).resize((160, 120), Image.Resampling.BICUBIC)


@pytest.mark.slow
def test_one_photo_more_decodes_one_photo(checkout: Checkout) -> None:
    """A thousand photos and one: nothing is opened, hashed or searched for features but the new one."""
    folder = checkout.folder / "thousand"
    folder.mkdir()
    for number in range(1000):
        picture(number).save(folder / f"{number}.jpg")
    run(checkout, "thousand")
    counts = checkout.inferences("mini")
    assert counts["survey_photos"] == counts["fingerprint_photos"] == 1000
    picture(1000).save(folder / "added.jpg")
    began = time.time()
    run(checkout, "thousand")
    counts = checkout.inferences("mini", since=began)
    assert counts["survey_photos"] == counts["fingerprint_photos"] == 1
    rows = read_table(checkout.folder / TABLE)
    assert len(rows) == 1001 and all(row["group"] == "" for row in rows)
