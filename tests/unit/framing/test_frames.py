"""Frames: one transform for picture and mask, backgrounds, closer views, poor masks, and only what changed cut anew."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from table_rows import mask_row, photo_on_disk, verdict

from darkroom.config.framing import CropSettings
from darkroom.config.loading import check
from darkroom.contracts.frame_table import FrameRow
from darkroom.contracts.overrides import Override
from darkroom.contracts.selection_table import Verdict
from darkroom.errors import UserError
from darkroom.framing.buckets import Crop
from darkroom.framing.frame_pictures import apply_crop, replace_background
from darkroom.framing.frame_plan import PlannedFrame, count_batches, plan_frames
from darkroom.framing.frames import Sources, cut_frames
from darkroom.framing.tables import MaskRow
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_file

SMALL = CropSettings(resolution=64, bucket_step=16, max_aspect=1.7)


@dataclass
class Place:
    """A folder of photos with masks, and the rows of the tables that tell of them."""

    folder: Path
    selected: dict[str, Verdict] = field(default_factory=dict)
    photos: dict[str, PhotoFile] = field(default_factory=dict)
    masks: dict[str, MaskRow] = field(default_factory=dict)

    def add(self, name: str, picture: Image.Image, mask: Image.Image, **selected: str) -> None:
        for part, image in (("photos", picture), ("photo_masks", mask)):
            (self.folder / part).mkdir(exist_ok=True)
            image.save(self.folder / part / f"{name}.png")
        size = {"width": picture.width, "height": picture.height}
        self.photos[name] = photo_on_disk(self.folder / "photos" / f"{name}.png", photo=name, **size)
        box = mask.point(lambda value: 255 if value >= 128 else 0).getbbox()
        corners = dict(zip(("x0", "y0", "x1", "y1"), box or [None] * 4, strict=True))
        sha256 = sha256_file(self.folder / "photo_masks" / f"{name}.png")
        self.masks[name] = mask_row(name, sha256=sha256, **corners)
        self.selected[name] = verdict(name, **selected)

    def plan(self, settings: CropSettings, batch: int = 1, **overrides: Override) -> list[PlannedFrame]:
        def load(name: str) -> np.ndarray:
            return np.asarray(Image.open(self.folder / "photo_masks" / f"{name}.png"))

        return plan_frames(self.selected, self.photos, self.masks, overrides, settings, batch, load)

    def cut(self, settings: CropSettings, **overrides: Override) -> tuple[dict[str, FrameRow], int]:
        sources = Sources(self.photos, self.masks, self.folder / "photos", self.folder / "photo_masks")
        output = self.folder / "frames", self.folder / "masks"
        plans = self.plan(settings, **overrides)
        rows, computed = cut_frames(plans, sources, settings.background, self.folder / "cache", output)
        return {row.frame: row for row in rows}, computed

    def pixels(self, kind: str, frame: str) -> np.ndarray:
        return np.asarray(Image.open(self.folder / kind / f"{frame}.png")).astype(float)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def block(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A mask of one block."""
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def test_picture_and_mask_share_one_transform() -> None:
    """A picture of coordinates, cropped as a picture and as masks, tells the same places."""
    x, y = np.meshgrid(np.arange(256), np.arange(200))
    picture = Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8))
    crop = Crop(30, 20, 190, 180, (64, 64))
    cut = np.asarray(apply_crop(picture, crop)).astype(float)
    for channel, values in ((0, x), (1, y)):
        alone = np.asarray(apply_crop(Image.fromarray(values.astype(np.uint8)), crop)).astype(float)
        assert np.array_equal(alone, cut[..., channel])
    scale = 160 / 64
    assert np.abs(cut[5:-5, 5:-5, 0] - (30 + (np.arange(64) + 0.5) * scale - 0.5)[5:-5]).max() <= 1
    assert np.abs(cut[5:-5, 5:-5, 1].T - (20 + (np.arange(64) + 0.5) * scale - 0.5)[5:-5]).max() <= 1


def test_files_of_a_frame_show_the_same_places(place: Place) -> None:
    """The mask of a photo of coordinates is one of its coordinates: both files of each frame agree pixel by pixel."""
    x, y = np.meshgrid(np.arange(250), np.arange(180))
    picture = Image.fromarray(np.stack([x, y, x], axis=-1).astype(np.uint8))
    place.add("across", picture, Image.fromarray(x.astype(np.uint8)))
    place.add("down", picture, Image.fromarray(y.astype(np.uint8)))
    rows, _ = place.cut(SMALL.model_copy(update={"variants": ["full"]}))
    made = [row for row in rows.values() if row.status == "ok"]
    assert len(made) >= 2
    for row in made:
        channel = 0 if row.photo == "across" else 1
        assert np.array_equal(place.pixels("frames", row.frame)[..., channel], place.pixels("masks", row.frame))
        values = place.pixels("frames", row.frame)
        wide, high = (row.x1 - row.x0) / row.width, (row.y1 - row.y0) / row.height
        assert wide >= 1 and high >= 1
        middle = values[row.height // 2, row.width // 2]
        assert abs(middle[0] - (row.x0 + (row.width // 2 + 0.5) * wide - 0.5)) <= 1
        assert abs(middle[1] - (row.y0 + (row.height // 2 + 0.5) * high - 0.5)) <= 1


def test_frames_on_disk(place: Place) -> None:
    """Frames are written once and remembered; a small photo gets a row and a reason, a user's box moves the window."""
    place.add(
        "wide", Image.linear_gradient("L").resize((300, 100)).convert("RGB"), block((300, 100), (210, 0, 290, 100))
    )
    place.add("small", Image.new("RGB", (40, 40)), Image.new("L", (40, 40), 255))
    found, computed = place.cut(SMALL)
    assert computed == 1 and found["small"].status == "too_small" and "40 x 40" in found["small"].reason
    wide = found["wide"]
    assert wide.x0 <= 210 and wide.x1 >= 290 and (wide.width, wide.height) == (80, 48)
    assert [path.name for path in sorted((place.folder / "frames").iterdir())] == ["wide.png"]
    for kind, column in (("frames", "picture"), ("masks", "mask")):
        assert sha256_file(place.folder / kind / "wide.png") == getattr(wide, column)
        assert place.pixels(kind, "wide").shape[:2] == (48, 80)
    assert place.cut(SMALL) == (found, 0)
    moved, computed = place.cut(SMALL, wide=Override(box=(0, 0, 90, 100)))
    assert computed == 1 and moved["wide"].x0 == 0


def test_what_is_cut_of_a_box_is_told(place: Place) -> None:
    place.add("all", Image.new("RGB", (300, 100)), Image.new("L", (300, 100), 255))
    row = place.cut(SMALL)[0]["all"]
    lost = 300 * 100 - (row.x1 - row.x0) * (row.y1 - row.y0)
    assert row.reason == f"{lost} pixels of the subject's box lie outside"


def test_a_poor_mask_is_white_and_gives_no_box(place: Place) -> None:
    """Its photo is used whole: no box, its own background, weight 1 everywhere, and the reason."""
    picture = Image.linear_gradient("L").resize((300, 100)).convert("RGB")
    mask = block((300, 100), (210, 0, 290, 100))
    place.add("poor", picture, mask, mask_problem="too many pieces")
    place.add("good", picture, mask, mask_problem="")
    rows, _ = place.cut(SMALL.model_copy(update={"background": "grey"}))
    assert rows["poor"].reason == "mask not used: too many pieces" and rows["good"].reason == ""
    assert rows["poor"].x0 + rows["poor"].x1 == pytest.approx(300, abs=1)
    assert place.pixels("masks", "poor").min() == 255 and place.pixels("masks", "good").min() == 0
    around = place.pixels("masks", "good") == 0
    assert (place.pixels("frames", "good")[around] == 128).all()
    assert len(np.unique(place.pixels("frames", "poor"))) > 30


@pytest.mark.parametrize("background", ["grey", "blurred", "noise"])
def test_backgrounds(background: str) -> None:
    """The subject stays to the pixel, what is around it goes, soft edges mix, and the bytes are always the same."""
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 90, (48, 64, 3), dtype=np.uint8))
    picture.paste((250, 10, 10), (20, 16, 44, 32))
    mask = block((64, 48), (20, 16, 44, 32))
    mask.paste(128, (30, 20, 31, 21))
    shown = replace_background(picture, mask, background, "photo")
    before, after, cover = np.asarray(picture).astype(int), np.asarray(shown).astype(int), np.asarray(mask)
    assert np.array_equal(after[cover == 255], before[cover == 255])
    around = after[cover == 0]
    expected = {"grey": (0, 0, 0.5), "blurred": (1, 12, 30), "noise": (70, 78, 30)}[background]
    assert expected[0] <= around.std() <= expected[1]
    middle = 45 if background == "blurred" else 128
    assert around.mean() == pytest.approx(middle, abs=4) and around[:, 0].mean() == pytest.approx(middle, abs=5)
    assert abs(int(after[20, 30, 0]) - 250) > 20
    assert shown.tobytes() == replace_background(picture, mask, background, "photo").tobytes()
    other = replace_background(picture, mask, background, "another")
    assert (other.tobytes() != shown.tobytes()) == (background == "noise")


def test_closer_views(place: Place) -> None:
    """Views of the subject's upper parts, as wide as it is there; where none can be, a row says why."""
    size = (800, 600)
    figure = block(size, (300, 200, 500, 560))
    figure.paste(0, (300, 200, 360, 290)), figure.paste(0, (440, 200, 500, 290))
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    place.add("a", picture, figure, split="held_out")
    place.add("b", picture, Image.new("L", size))
    settings = SMALL.model_copy(update={"variants": ["full", "half", "head"]})
    rows, _ = place.cut(settings)
    assert sorted(rows) == ["a", "a-full", "a-half", "a-head", "b", "b-full", "b-half", "b-head"]
    assert rows["b-head"].status == "no_view" and "box is not known" in rows["b-head"].reason
    areas = {}
    for kind, box in {"full": (300, 200, 500, 560), "half": (300, 200, 500, 380), "head": (360, 200, 440, 290)}.items():
        row = rows[f"a-{kind}"]
        assert row.status == "ok" and row.photo == "a" and row.reason == ""
        assert row.x0 <= box[0] and row.y0 <= box[1] and row.x1 >= box[2] and row.y1 >= box[3]
        areas[kind] = (row.x1 - row.x0) * (row.y1 - row.y0)
        assert row.x1 - row.x0 >= row.width
    assert areas["full"] > areas["half"] > areas["head"]
    assert {plan.split for plan in place.plan(settings) if plan.photo == "a"} == {"held_out"}
    large = place.plan(settings.model_copy(update={"resolution": 256}))
    assert [plan.status for plan in large if plan.frame == "a-head"] == ["too_small"]


def test_a_subject_that_fills_the_photo_has_no_closer_view(place: Place) -> None:
    place.add("a", Image.new("RGB", (300, 300)), block((300, 300), (10, 10, 290, 290)))
    rows, _ = place.cut(SMALL.model_copy(update={"variants": ["full", "head"]}))
    assert rows["a-full"].status == "no_view" and "fills the photo" in rows["a-full"].reason
    assert rows["a-head"].status == "ok"


def test_held_out_frames_are_in_no_batch(place: Place) -> None:
    """Each goes to its own best bucket; those to train on share one."""
    for number in range(3):
        place.add(f"square {number}", Image.new("RGB", (200, 200)), block((200, 200), (90, 90, 110, 110)))
    place.add("wide", Image.new("RGB", (250, 150)), block((250, 150), (110, 60, 130, 80)))
    place.add("held", Image.new("RGB", (250, 150)), block((250, 150), (110, 60, 130, 80)), split="held_out")
    plans = place.plan(SMALL, batch=4)
    crops = {plan.frame: plan.crop for plan in plans}
    assert crops["held"] is not None and crops["held"].bucket == (80, 48)
    assert {crop.bucket for frame, crop in crops.items() if crop and frame != "held"} == {(64, 64)}
    assert count_batches(plans, 4).startswith("1 batches of 4, 0 left over; crop loss ")
    assert count_batches(plans, 4).endswith("boxes cut 0")


SEVERAL = SMALL.model_copy(update={"resolution": [48, 96, 64]})
HEX = "0123456789abcdef"


def test_each_resolution_has_a_frame_of_each_photo_that_is_large_enough(place: Place) -> None:
    """The largest resolution's frame has the photo's name; picture and mask are cut alike; too small ones are told."""
    sizes = {"large": (300, 200), "medium": (70, 70), "small": (50, 50), "tiny": (40, 40)}
    for name, size in sizes.items():
        picture = Image.linear_gradient("L").resize(size)
        place.add(name, picture.convert("RGB"), picture)
    rows, computed = place.cut(SEVERAL)
    made = {frame for frame, row in rows.items() if row.status == "ok"}
    assert sorted(rows) == sorted(f"{name}{part}" for name in sizes for part in ("", "-64", "-48"))
    assert made == {"large", "large-64", "large-48", "medium-64", "medium-48", "small-48"} and computed == 6
    assert rows["medium"].status == "too_small"
    assert rows["medium"].reason == "70 x 70 pixels fill no bucket of 96 without enlarging"
    assert rows["tiny-48"].reason == "40 x 40 pixels fill no bucket of 48 without enlarging"
    for frame in made:
        row = rows[frame]
        side = int(frame.partition("-")[2] or 96)
        assert row.photo == frame.partition("-")[0]
        assert 0.85 * side**2 <= row.width * row.height <= side**2
        assert row.width <= row.x1 - row.x0 and row.height <= row.y1 - row.y0
        picture, mask = place.pixels("frames", frame)[..., 0], place.pixels("masks", frame)
        assert picture.shape == (row.height, row.width) and np.array_equal(picture, mask)


def test_a_resolution_is_planned_as_it_would_be_alone(place: Place) -> None:
    """Buckets of each are decided for its own frames together, closer views included; held-out photos stay so."""
    for number in range(7):
        size = (200 + 40 * number, 300)
        mask = block(size, (60, 60, 140, 260))
        place.add(f"{number}{HEX[1:]}", Image.new("RGB", size), mask, split="held_out" if number == 3 else "train")
    settings = SEVERAL.model_copy(update={"variants": ["half"]})
    plans = place.plan(settings, batch=3)
    assert len(plans) == 7 * 2 * 3 and len({plan.frame for plan in plans}) == len(plans)
    for side in (96, 64, 48):
        own = [plan for plan in plans if side == (int(plan.frame.rsplit("-")[-1]) if plan.frame[-2:].isdigit() else 96)]
        alone = place.plan(settings.at(side), batch=3)
        left = [
            sum(n % 3 for n in Counter(p.crop.bucket for p in part if p.crop and p.split == "train").values())
            for part in (own, alone)
        ]
        assert len(own) == 14 and left == [0, 0]
        assert {plan.photo for plan in own if plan.split == "held_out"} == {f"3{HEX[1:]}"}
    assert [plan.crop for plan in plans if plan.frame == plan.photo] == [
        plan.crop for plan in place.plan(settings.at(96), batch=3) if plan.frame == plan.photo
    ]
    assert count_batches(plans, 3).startswith("12 batches of 3, 0 left over")


@pytest.mark.parametrize(
    ("resolution", "message"),
    [
        ([1024, 700], r"crop.*: resolution: 700 is no multiple of bucket_step \(64\).*set it to 704"),
        ([1024, 512, 1024], "resolution: 1024 is there twice"),
        ([], r"such as 1024, or several: \[1024, 768, 512\]"),
        ([1024, "512"], r"key 'resolution': give pixels, at least 32"),
        (16, r"key 'resolution': give pixels, at least 32"),
    ],
)
def test_wrong_resolutions_are_one_line(resolution: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check(CropSettings, {"resolution": resolution}, "crop")
    assert "\n" not in str(caught.value)


def test_one_resolution_is_written_as_it_always_was() -> None:
    one, several = CropSettings(resolution=768), CropSettings(resolution=[512, 768])
    assert '"resolution":768,' in one.to_argument() and '"resolution":[512,768],' in several.to_argument()
    assert one.resolutions == (768,) and several.resolutions == (768, 512) and several.image_size == 768
    assert CropSettings.from_argument(several.to_argument()) == several
