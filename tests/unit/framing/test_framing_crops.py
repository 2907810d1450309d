"""Buckets, windows and frames: sizes, the subject's box, and one transform for picture and mask."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.files import sha256_file
from darkroom.framing.buckets import Crop, bucket_sizes, choose_crop, place_window
from darkroom.framing.frames import apply_crop, cut_frames
from darkroom.framing.settings import CropSettings
from darkroom.overrides import Override

SDXL = CropSettings()


@pytest.mark.parametrize(
    ("resolution", "step", "aspect"), [(1024, 64, 2.0), (768, 32, 3.0), (64, 16, 1.7), (64, 8, 1.0)]
)
def test_bucket_sizes(resolution: int, step: int, aspect: float) -> None:
    sizes = bucket_sizes(resolution, step, aspect)
    assert sizes[0] == (resolution, resolution)
    for width, height in sizes:
        assert width % step == height % step == 0 and (height, width) in sizes
        assert width * height <= resolution**2 and max(width, height) <= aspect * min(width, height)


@pytest.mark.parametrize("photo", [(4000, 3000), (3000, 4000), (1500, 1500), (6000, 4000), (1920, 1080), (5000, 1200)])
def test_crop_fits_photo_and_bucket(photo: tuple[int, int]) -> None:
    crop = choose_crop(photo, None, SDXL)
    assert crop is not None
    width, height = crop.x1 - crop.x0, crop.y1 - crop.y0
    assert crop.x0 >= 0 and crop.y0 >= 0 and crop.x1 <= photo[0] and crop.y1 <= photo[1]
    assert width >= crop.bucket[0] and height >= crop.bucket[1]
    assert math.log(width / height) == pytest.approx(math.log(crop.bucket[0] / crop.bucket[1]), abs=0.002)
    assert width == photo[0] or height == photo[1]


def test_subject_stays_inside_where_it_can() -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        photo = tuple(int(side) for side in random.integers(1100, 5000, 2))
        corners = np.sort(random.uniform(0, 1, (2, 2)), axis=0) * photo
        box = (*corners[0], *corners[1])
        crop = choose_crop(photo, box, SDXL)
        assert crop is not None
        if crop.cut < 1:
            assert crop.x0 <= box[0] + 1 and crop.x1 >= box[2] - 1 and crop.y0 <= box[1] + 1 and crop.y1 >= box[3] - 1
        else:
            others = [place_window(photo, size, box) for size in bucket_sizes(1024, 64, 2.0)]
            fitting = [o for o in others if o.x1 - o.x0 >= o.bucket[0] and o.y1 - o.y0 >= o.bucket[1]]
            assert crop.cut <= min(other.cut for other in fitting) + 1


def test_no_upscaling_unless_asked() -> None:
    assert choose_crop((1000, 1000), None, SDXL) is None
    crop = choose_crop((1000, 1000), None, SDXL.model_copy(update={"upscale": True}))
    assert crop is not None and crop.bucket == (1024, 1024)
    smaller = choose_crop((960, 1400), None, SDXL)
    assert smaller is not None and smaller.bucket[0] <= 960 and smaller.bucket[1] <= 1400


def test_picture_and_mask_share_one_transform() -> None:
    """A picture of coordinates, cropped as a picture and as masks, tells the same places."""
    x, y = np.meshgrid(np.arange(256), np.arange(200))
    picture = Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8))
    crop = Crop(30, 20, 190, 180, (64, 64), 0.0)
    cut = np.asarray(apply_crop(picture, crop)).astype(float)
    for channel, values in ((0, x), (1, y)):
        alone = np.asarray(apply_crop(Image.fromarray(values.astype(np.uint8)), crop)).astype(float)
        assert np.array_equal(alone, cut[..., channel])
    scale = 160 / 64
    assert np.abs(cut[5:-5, 5:-5, 0] - (30 + (np.arange(64) + 0.5) * scale - 0.5)[5:-5]).max() <= 1
    assert np.abs(cut[5:-5, 5:-5, 1].T - (20 + (np.arange(64) + 0.5) * scale - 0.5)[5:-5]).max() <= 1


def test_frames_on_disk(tmp_path: Path) -> None:
    """Frames are written once and remembered; a small photo gets a row and a reason, a user's box moves the window."""
    folder, masks = tmp_path / "photos", tmp_path / "photo_masks"
    folder.mkdir(), masks.mkdir()
    rows, mask_rows = {}, {}
    for name, size in (("wide", (300, 100)), ("small", (40, 40))):
        Image.linear_gradient("L").resize(size).convert("RGB").save(folder / f"{name}.png")
        Image.new("L", size, 255).save(masks / f"{name}.png")
        numbers = {"width": str(size[0]), "height": str(size[1])}
        rows[name] = {"path": f"{name}.png", "photo": name, "sha256": sha256_file(folder / f"{name}.png"), **numbers}
        mask_rows[name] = {"sha256": name, "x0": "200", "y0": "0", "x1": "290", "y1": "100"}
    settings = CropSettings(resolution=64, bucket_step=16, max_aspect=1.7)
    output = (tmp_path / "frames", tmp_path / "masks")

    def run(**overrides: Override) -> tuple[dict[str, dict[str, object]], int]:
        table, computed = cut_frames(
            list(rows), rows, mask_rows, overrides, folder, masks, settings, tmp_path / "cache", output
        )
        return {str(row["frame"]): row for row in table}, computed

    found, computed = run()
    assert computed == 1 and found["small"]["status"] == "too_small" and "40 x 40" in str(found["small"]["reason"])
    assert found["wide"]["x1"] == 300 and (found["wide"]["width"], found["wide"]["height"]) == (80, 48)
    assert [path.name for path in sorted(output[0].iterdir())] == ["wide.png"]
    assert sha256_file(output[0] / "wide.png") == found["wide"]["picture"]
    assert sha256_file(output[1] / "wide.png") == found["wide"]["mask"]
    assert Image.open(output[0] / "wide.png").size == Image.open(output[1] / "wide.png").size == (80, 48)
    assert run() == (found, 0)
    moved, computed = run(wide=Override(box=(0, 0, 90, 100)))
    assert computed == 1 and moved["wide"]["x0"] == 0
