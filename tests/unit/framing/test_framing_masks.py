"""Masks: raw numbers, soft edges, the cache, and the real segmenter where it is installed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from darkroom.errors import UserError
from darkroom.files import sha256_file
from darkroom.framing import subject_masks
from darkroom.framing.settings import MaskSettings
from darkroom.framing.subject_masks import describe_mask, load_segmenter, mask_photos
from darkroom.model_lock import LockedModel

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


def _photos(folder: Path) -> list[dict[str, str]]:
    rows = []
    for number in range(3):
        picture = Image.new("RGB", (90 + number, 60), "white")
        ImageDraw.Draw(picture).ellipse((20, 10, 60, 50), fill=(200, 20, 20 + number))
        picture.save(folder / f"{number}.png")
        sha256 = sha256_file(folder / f"{number}.png")
        rows.append({"path": f"{number}.png", "photo": sha256[:16], "sha256": sha256, "status": "ok"})
    return [*rows, {"path": "broken.jpg", "photo": "", "sha256": "", "status": "unreadable"}]


def test_each_mask_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Added photos are computed alone, nothing is loaded where nothing is missing, and shards do not matter."""
    loads: list[int] = []

    def fake(model: LockedModel, side: int, threads: int):
        loads.append(side)
        return lambda picture: picture.convert("L").point(lambda level: 255 - level)

    monkeypatch.setattr(subject_masks, "load_segmenter", fake)
    rows, model = _photos(tmp_path), LockedModel("fake", "", tmp_path / "fake.onnx", {"fake.onnx": "0"})

    def run(photos: list[dict[str, str]], name: str) -> tuple[list[dict[str, object]], int]:
        return mask_photos(photos, tmp_path, MaskSettings(), model, 1, tmp_path / "cache", tmp_path / name, {})

    two, computed = run(rows[:2], "first")
    assert computed == 2 and len(loads) == 1
    three, computed = run(rows, "second")
    assert computed == 1 and [row for row in three if row in two] == two
    assert run(rows, "third")[1] == 0 and len(loads) == 2
    for row in three:
        mask = tmp_path / "third" / f"{row['photo']}.png"
        assert sha256_file(mask) == row["sha256"]
    assert {Image.open(path).size for path in (tmp_path / "third").iterdir()} == {(90, 60), (91, 60), (92, 60)}
    assert run([], "empty") == ([], 0) and (tmp_path / "empty").is_dir()


def test_wrong_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_text("no model")
    with pytest.raises(UserError, match=r"masks\.model"):
        load_segmenter(LockedModel("a", "", tmp_path / "a.onnx", {}), 320, 1)


@pytest.mark.skipif(not U2NETP.exists(), reason="u2netp is not installed")
def test_real_segmenter_finds_a_ball_on_a_floor() -> None:
    picture = Image.linear_gradient("L").resize((240, 180)).convert("RGB")
    truth = Image.new("L", picture.size, 0)
    ImageDraw.Draw(truth).ellipse((80, 50, 160, 130), fill=255)
    picture.paste((210, 40, 30), mask=truth)
    segment = load_segmenter(LockedModel("u2netp", "", U2NETP, {}), 320, 1)
    mask = segment(picture)
    found, wanted = np.asarray(mask) >= 128, np.asarray(truth) >= 128
    assert mask.size == picture.size and (found & wanted).sum() / (found | wanted).sum() > 0.85
    assert ((np.asarray(mask) > 5) & (np.asarray(mask) < 250)).any()
    assert np.array_equal(np.asarray(segment(picture)), np.asarray(mask))
