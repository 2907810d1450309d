"""Masks: raw numbers, soft edges, the cache, and the real segmenter where it is installed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from table_rows import photo_on_disk

from darkroom.config.base import ComputeSettings
from darkroom.framing import subject_masks
from darkroom.framing.looks import look_again
from darkroom.framing.mask_measures import agreement, describe_mask
from darkroom.framing.segmenter import Finder, load_segmenter
from darkroom.framing.subject_masks import mask_photos
from darkroom.models.lock import LockedModel
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_file

CPU = ComputeSettings(device="cpu")
U2NETP = Path(__file__).parents[3] / "resources" / "models" / "u2netp.onnx"


def test_numbers_of_a_mask() -> None:
    mask = Image.new("L", (200, 100), 0)
    draw = ImageDraw.Draw(mask)
    draw.rectangle((20, 10, 79, 69), fill=255)
    draw.rectangle((40, 30, 59, 49), fill=0)
    draw.rectangle((180, 0, 199, 19), fill=255)
    numbers = describe_mask(mask)
    assert [numbers[side] for side in ("x0", "y0", "x1", "y1")] == [20, 0, 200, 70]
    assert (numbers["pieces"], numbers["holes"]) == (2, 1)
    assert numbers["coverage"] == pytest.approx((3600 - 400 + 400) / 20000)
    assert numbers["largest"] == pytest.approx(3200 / 3600)
    assert numbers["border"] == pytest.approx((20 + 19) / (2 * 200 + 2 * 98))
    assert numbers["certainty"] == 1


def test_numbers_of_no_subject() -> None:
    numbers = describe_mask(Image.new("L", (50, 40), 90))
    assert numbers["x0"] is None and numbers["pieces"] == 0 and numbers["certainty"] == 0


def _photos(folder: Path) -> dict[str, PhotoFile]:
    photos = []
    for number in range(3):
        picture = Image.new("RGB", (90 + number, 60), "white")
        ImageDraw.Draw(picture).ellipse((20, 10, 60, 50), fill=(200, 20, 20 + number))
        picture.save(folder / f"{number}.png")
        photos.append(photo_on_disk(folder / f"{number}.png", width=90 + number, height=60))
    return {photo.photo: photo for photo in photos}


class Run:
    """Stages over the same cache with a model that counts how often it is loaded."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.loads = folder, 0
        monkeypatch.setattr(subject_masks, "load_segmenter", self.load)

    def load(self, finder: Finder) -> Callable[[Image.Image], Image.Image]:
        self.loads += 1
        cut = 200 if finder.key == "masks.second" else 128
        return lambda picture: picture.convert("L").point(lambda level: 255 * (level < cut))

    def finder(self, digest: str, key: str = "masks.model") -> Finder:
        model = LockedModel("fake", "", self.folder / "fake.onnx", {"fake.onnx": digest})
        return Finder(model, None, None, "toy", CPU, key)

    def __call__(self, photos: dict[str, PhotoFile], name: str, *more: Finder) -> tuple[list[dict[str, object]], int]:
        finders = [self.finder("0"), *more]
        cache = self.folder / "cache"
        return mask_photos(photos, self.folder, finders, cache, self.folder / name, {}, self.folder)


def test_each_mask_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Added photos are computed alone, nothing is loaded where nothing is missing, and shards do not matter."""
    rows, run = _photos(tmp_path), Run(tmp_path, monkeypatch)
    two, computed = run(dict(list(rows.items())[:2]), "first")
    assert computed == 2 and run.loads == 1
    three, computed = run(rows, "second")
    assert computed == 1 and [row for row in three if row in two] == two
    assert run(rows, "third")[1] == 0 and run.loads == 2
    for row in three:
        mask = tmp_path / "third" / f"{row.photo}.png"
        assert sha256_file(mask) == row.sha256
    assert {Image.open(path).size for path in (tmp_path / "third").iterdir()} == {(90, 60), (91, 60), (92, 60)}
    assert run({}, "empty") == ([], 0) and (tmp_path / "empty").is_dir()


def test_a_second_model_is_compared_and_changes_no_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, run = _photos(tmp_path), Run(tmp_path, monkeypatch)
    alone, _ = run(rows, "alone")
    both, computed = run(rows, "both", run.finder("1", "masks.second"))
    assert computed == 3 and [row.agreement for row in alone] == [None] * 3
    assert [row.agreement for row in both] == [1.0] * 3
    assert [replace(row, agreement=None) for row in both] == alone
    loads = run.loads
    assert run(rows, "again", run.finder("1", "masks.second")) == (both, 0) and run.loads == loads


def test_agreement_is_the_intersection_over_the_union() -> None:
    first, second = Image.new("L", (10, 10), 0), Image.new("L", (10, 10), 0)
    assert agreement(first, second) == 1
    first.paste(255, (0, 0, 4, 5))
    second.paste(200, (2, 0, 6, 5))
    assert agreement(first, second) == pytest.approx(10 / 30)


def test_further_looks_see_the_picture_mirrored_and_the_subject_larger() -> None:
    """A model that overlooks the right half of what is small: the mirrored look and the one from nearby see it."""
    picture = Image.new("RGB", (200, 100))
    picture.paste((255, 255, 255), (100, 40, 120, 60))
    seen: list[tuple[int, int]] = []

    def segment(shown: Image.Image) -> Image.Image:
        seen.append(shown.size)
        mask, box = shown.convert("L"), shown.getbbox()
        if shown.width > 100 and box is not None:
            mask.paste(0, ((box[0] + box[2]) // 2, 0, box[2], 100))
        return mask

    mask, looks = look_again(segment, picture)
    assert seen == [(200, 100), (200, 100), (20 + 2 * 4, 20 + 2 * 4)]
    assert looks == 0
    levels = np.asarray(mask)
    assert (levels[40:60, 100:120] == 192).all() and levels[40:60, 120:].max() == 0 and levels[:40].max() == 0


def test_where_nothing_is_found_there_is_no_third_look() -> None:
    seen: list[Image.Image] = []

    def segment(shown: Image.Image) -> Image.Image:
        seen.append(shown)
        return Image.new("L", shown.size)

    assert look_again(segment, Image.new("RGB", (9, 5)))[1] == 1 and len(seen) == 2


@pytest.mark.skipif(not U2NETP.exists(), reason="u2netp is not installed")
def test_real_network_finds_a_ball_on_a_floor() -> None:
    picture = Image.linear_gradient("L").resize((240, 180)).convert("RGB")
    truth = Image.new("L", picture.size, 0)
    ImageDraw.Draw(truth).ellipse((80, 50, 160, 130), fill=255)
    picture.paste((210, 40, 30), mask=truth)
    segment = load_segmenter(Finder(LockedModel("u2netp", "", U2NETP, {}), None, None, "toy", CPU))
    mask, looks = look_again(segment, picture)
    assert mask.size == picture.size and agreement(mask, truth) > 0.85 and looks > 0.8
    assert ((np.asarray(mask) > 5) & (np.asarray(mask) < 250)).any()
    assert np.array_equal(np.asarray(look_again(segment, picture)[0]), np.asarray(mask))
