"""The toybox: files and truth agree, good photos open upright, faults are what the truth says."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from darkroom.pocket.toybox import COLUMNS, EXPECTED, GOOD, SIZES, good_shot, good_shots, shoot, take, true_mask
from darkroom.pocket.world import parse_caption

TOYBOX = Path(__file__).resolve().parents[3] / "resources" / "toybox"
PHOTOS = TOYBOX / "photos"


@pytest.fixture(scope="module")
def truth() -> list[dict[str, str]]:
    with (TOYBOX / "truth.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def paths(truth: list[dict[str, str]], *roles: str) -> list[str]:
    return [row["path"] for row in truth if row["role"] in roles]


def test_truth_names_every_file_once(truth):
    found = sorted(path.relative_to(PHOTOS).as_posix() for path in PHOTOS.rglob("*") if path.is_file())
    assert found == [row["path"] for row in truth]
    assert sum((PHOTOS / path).stat().st_size for path in found) < 5_000_000


def test_roles(truth):
    counts = Counter(row["role"] for row in truth)
    assert counts.pop("good") == GOOD == 24
    assert counts == Counter(
        exact=2, recompressed=2, mirrored=2, rotated=1, cropped=2, burst=2, blurred=3, dark=2, tiny=1,
        truncated=1, empty=1, text=1, notes=1, unsupported=1, sidecar=1,
    )  # fmt: skip
    for row in truth:
        assert (row["expected_table"], row["expected_status_or_kind"]) == EXPECTED[row["role"]]
        copies = ("exact", "recompressed", "mirrored", "rotated", "cropped", "burst", "sidecar")
        assert bool(row["of_path"]) == (row["role"] in copies)
        assert not row["of_path"] or row["of_path"] in paths(truth, "good")


def test_captions_say_what_the_columns_say(truth):
    for row in truth:
        if row["caption"]:
            told = parse_caption(row["caption"])
            assert told.pop("shape") == "toy"
            assert told == {key: row[key] for key in ("floor", "wall", "light", "distance")}


def test_good_photos_open_upright_with_times_apart(truth):
    times = set()
    for shot in good_shots():
        with Image.open(PHOTOS / shot.path) as image:
            exif = image.getexif().get_ifd(0x8769)
            times.add((exif[0x9003], exif[0x9291]))
            upright = ImageOps.exif_transpose(image)
            assert upright.size == (shot.width, shot.height)
    assert len(times) == GOOD
    assert len({(shot.width, shot.height) for shot in good_shots()}) == len(SIZES)


def test_sideways_and_wide_gamut_photos(truth):
    stored = [Image.open(PHOTOS / shot.path) for shot in good_shots()]
    sideways = [image for image in stored if image.getexif().get(0x0112) in (6, 8)]
    wide = [image for image in stored if "icc_profile" in image.info]
    assert len(sideways) == 2 and len(wide) == 2
    for image, shot in zip(stored, good_shots(), strict=True):
        if "icc_profile" in image.info:
            profile = ImageCms.ImageCmsProfile(__import__("io").BytesIO(image.info["icc_profile"]))
            opened = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
            assert np.abs(np.asarray(opened, float) - np.asarray(take(shot), float)).mean() < 4


def test_copies_and_faults(truth):
    by_path = {row["path"]: row for row in truth}
    for path in paths(truth, "exact"):
        digests = {hashlib.sha256((PHOTOS / p).read_bytes()).digest() for p in (path, by_path[path]["of_path"])}
        assert len(digests) == 1
    for path in paths(truth, "dark"):
        assert np.asarray(Image.open(PHOTOS / path)).mean() < 12
    for path in paths(truth, "truncated", "empty", "text"):
        with pytest.raises(OSError), Image.open(PHOTOS / path) as image:
            image.load()
    assert Image.open(PHOTOS / paths(truth, "tiny")[0]).size == (60, 45)


def test_true_masks_fit_the_photos():
    shot = good_shots()[3]  # one that is stored sideways
    mask = np.asarray(true_mask(shot.path), float) / 255
    assert mask.shape == (shot.height, shot.width)
    assert 0.03 < mask.mean() < 0.4
    picture = np.asarray(ImageOps.exif_transpose(Image.open(PHOTOS / shot.path)).convert("RGB"), float)
    strength = picture.max(-1) - picture.min(-1)
    assert (strength * mask).sum() / mask.sum() > 60, "the toy is strongly coloured"


def test_further_shots_are_new_photos_of_the_same_kind():
    known = {(good.scene.shift, good.scene.yaw) for good in good_shots()}
    for number in (GOOD + 100, GOOD + 101):
        further = good_shot(number)
        assert (further.scene.shift, further.scene.yaw) not in known
        assert (further.scene.shape, further.scene.colour, further.scene.accent) == ("bunny", "blue", "red")
        picture, mask = shoot(further)
        assert mask.size == picture.size == (further.width, further.height)
        edges = np.asarray(mask) > 127
        assert 0.01 < edges.mean() < 0.5
        assert not edges[0].any() and not edges[-1].any() and not edges[:, 0].any() and not edges[:, -1].any()
