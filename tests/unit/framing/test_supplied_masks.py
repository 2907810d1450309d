"""Supplied masks: whose they are, what they may hold, and that they cost no inference."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError
from darkroom.framing import subject_masks
from darkroom.framing.segmenter import Finder
from darkroom.framing.subject_masks import mask_photos
from darkroom.framing.supplied_masks import match_masks, open_mask, unused_masks
from darkroom.framing.tables import MaskRow
from darkroom.imaging.photo_error import OVERWRITTEN
from darkroom.models.lock import LockedModel
from darkroom.photo_folder.index import IndexedFile, refresh_index
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_bytes, sha256_file


def files(*paths: str) -> list[IndexedFile]:
    """Indexed files of different bytes each; `path=text` gives a file these bytes."""
    pairs = (path.partition("=") for path in paths)
    return [IndexedFile(name, sha256_bytes((content or name).encode())) for name, _, content in pairs]


def matched(photos: list[IndexedFile], masks: list[IndexedFile]) -> dict[str, str]:
    found = match_masks(photos, masks)
    return {photo.path: found[photo.sha256].path for photo in photos if photo.sha256 in found}


def opened(path: Path, size: tuple[int, int]) -> Image.Image | str:
    """What `open_mask` makes of a file that nobody has touched."""
    return open_mask(path, sha256_file(path) if path.exists() else "", size)


@pytest.mark.parametrize(
    ("photos", "masks", "pairs"),
    [
        (["a/cat.jpg", "b/cat.jpg"], ["a/cat.png"], {"a/cat.jpg": "a/cat.png"}),
        (["a/cat.jpg", "b.c.jpg"], ["cat.tif", "b.c.png"], {"a/cat.jpg": "cat.tif", "b.c.jpg": "b.c.png"}),
        (["cat.jpg", "cat.png"], ["cat.jpg.png"], {"cat.jpg": "cat.jpg.png"}),
        (["cat.jpg", "cat.txt", "cat.cr2"], ["all/cat.PNG", "cat.json"], {"cat.jpg": "all/cat.PNG"}),
        (["a/cat.jpg=same", "b/cat.jpg=same"], ["cat.png"], {"a/cat.jpg": "cat.png", "b/cat.jpg": "cat.png"}),
        (["a/cat.jpg", "dog.jpg"], ["a/cat.png", "old/cat.png"], {"a/cat.jpg": "a/cat.png"}),
    ],
)
def test_which_mask_belongs_to_which_photo(photos: list[str], masks: list[str], pairs: dict[str, str]) -> None:
    found = matched(files(*photos), files(*masks))
    assert {photo: mask for photo, mask in found.items() if not photo.endswith(("txt", "cr2"))} == pairs


@pytest.mark.parametrize(
    ("photos", "masks", "words"),
    [
        (["a/cat.jpg", "b/cat.jpg"], ["cat.png"], "may be of a/cat.jpg or b/cat.jpg"),
        (["cat.jpg"], ["cat.png", "cat.tif"], "cat.png and cat.tif are of the same photo"),
        (["a/cat.jpg"], ["x/cat.png", "y/cat.png"], "x/cat.png and y/cat.png are of the same photo"),
        (["cat.jpg"], ["dog.png"], "none of the 1 files belongs to a photo"),
    ],
)
def test_a_slip_is_one_line(photos: list[str], masks: list[str], words: str) -> None:
    with pytest.raises(UserError, match=f"masks.supplied: .*{words}"):
        match_masks(files(*photos), files(*masks))


def test_what_systems_leave_behind_is_no_mask(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for name in ("cat.png", "._cat.png", ".DS_Store", "Thumbs.db"):
        (tmp_path / "masks" / name).write_bytes(name.encode())
    masks = refresh_index(tmp_path / "masks", tmp_path / "index.json", "masks.supplied")
    found = match_masks(files("cat.jpg"), masks)
    assert [mask.path for mask in found.values()] == ["cat.png"] and unused_masks(masks, found) == []


def test_every_kind_of_picture_is_grey(tmp_path: Path) -> None:
    wanted = np.zeros((6, 8), np.uint8)
    wanted[1:4, 2:7] = 255
    grey = Image.fromarray(wanted)
    palette = Image.fromarray((wanted > 0).astype(np.uint8) * 3)
    palette.putpalette([0, 0, 0] * 3 + [255, 255, 255])
    see_through = Image.merge("RGBA", (grey, grey, grey, Image.new("L", grey.size, 7)))
    kinds = {
        "grey.png": grey,
        "bits.png": grey.convert("1"),
        "colour.webp": grey.convert("RGB"),
        "palette.gif": palette,
        "alpha.png": see_through,
        "grey_alpha.png": see_through.convert("LA"),
        "deep.png": Image.fromarray(wanted.astype(np.uint16) * 257),
        "turned.png": grey.transpose(Image.Transpose.ROTATE_90),
    }
    for name, picture in kinds.items():
        options: dict[str, object] = {"lossless": True} if name.endswith("webp") else {}
        if name == "turned.png":
            options["exif"] = Image.Exif()
            options["exif"][0x0112] = 6  # type: ignore[index]
        picture.save(tmp_path / name, **options)
        mask = opened(tmp_path / name, (8, 6))
        assert isinstance(mask, Image.Image), (name, mask)
        assert mask.mode == "L" and np.array_equal(np.asarray(mask), wanted), name


def test_the_alpha_of_a_cut_out_is_its_mask(tmp_path: Path) -> None:
    alpha = np.zeros((6, 8), np.uint8)
    alpha[1:4, 2:7] = [255, 255, 200, 90, 10]
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8, 3)).astype(np.uint8))
    cut_out = Image.merge("RGBA", (*photo.split(), Image.fromarray(alpha)))
    for name in ("cut.png", "cut.webp"):
        cut_out.save(tmp_path / name, lossless=True)
        mask = opened(tmp_path / name, (8, 6))
        assert isinstance(mask, Image.Image) and np.array_equal(np.asarray(mask), alpha), name
    photo.save(tmp_path / "photo.png")
    assert "a picture in colours" in str(opened(tmp_path / "photo.png", (8, 6)))


def test_what_cannot_be_used_has_a_reason(tmp_path: Path) -> None:
    Image.new("L", (8, 6)).save(tmp_path / "turned.png")
    assert opened(tmp_path / "turned.png", (6, 8)) == "it is 8 x 6, its photo 6 x 8"
    assert opened(tmp_path / "turned.png", (80, 60)) == "it is 8 x 6, its photo 80 x 60"
    Image.fromarray(np.eye(6, dtype=np.uint8)).save(tmp_path / "labels.png")
    assert "0 and 1 only" in str(opened(tmp_path / "labels.png", (6, 6)))
    (tmp_path / "broken.png").write_bytes((tmp_path / "labels.png").read_bytes()[:40])
    (tmp_path / "text.png").write_text("no picture")
    for name in ("broken.png", "text.png"):
        assert opened(tmp_path / name, (6, 6)) == "it is not a picture, or a damaged one"
    assert "cannot be read" in str(opened(tmp_path / "gone.png", (6, 6)))


def test_masks_of_no_photo_are_named() -> None:
    masks = files("a/cat.png", "nobody.png", "readme.txt")
    assert unused_masks(masks, match_masks(files("a/cat.jpg"), masks)) == ["nobody.png"]


class Shard:
    """Three photos, two of them with a mask supplied, and a segmenter that counts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.loads = folder, 0
        for name in ("photos", "masks"):
            (folder / name).mkdir()
        for number in range(3):
            Image.new("RGB", (30 + number, 20), (number, 0, 0)).save(folder / "photos" / f"{number}.png")
        self.supply("0.png", (30, 20))
        self.supply("1.png", (31, 20))

        def fake(finder: Finder):
            self.loads += 1
            return lambda picture: Image.new("L", picture.size, 255)

        monkeypatch.setattr(subject_masks, "load_segmenter", fake)

    def supply(self, name: str, size: tuple[int, int], left: int = 5) -> None:
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).rectangle((left, 5, 14, 14), fill=255)
        mask.save(self.folder / "masks" / name)

    def index(self) -> list[list[IndexedFile]]:
        return [refresh_index(self.folder / name, self.folder / f"{name}.json") for name in ("photos", "masks")]

    def run(self, index: list[list[IndexedFile]] | None = None) -> tuple[list[MaskRow], int]:
        index = index or self.index()
        photos = {}
        for file in index[0]:
            width, height = Image.open(self.folder / "photos" / file.path).size
            photos[file.photo] = PhotoFile(file.path, file.photo, file.sha256, "ok", width=width, height=height)
        model = LockedModel("models/u2netp.onnx", "", Path("u2netp.onnx"), {"u2netp.onnx": "0"})
        finder = Finder(model, None, None, "toy", ComputeSettings(device="cpu"))
        places = self.folder / "photos", [finder], self.folder / "cache", self.folder / "laid"
        table, computed = mask_photos(photos, *places, match_masks(*index), self.folder / "masks")
        paths = {file.photo: file.path for file in index[0]}
        return sorted(table, key=lambda row: paths[row.photo]), computed


def test_a_supplied_mask_costs_no_inference_and_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = Shard(tmp_path, monkeypatch)
    rows, computed = shard.run()
    assert computed == 1 and shard.loads == 1
    assert [row.source for row in rows] == ["supplied", "supplied", "u2netp"]
    assert rows[0].box == (5, 5, 15, 15)
    for row in rows:
        assert sha256_file(tmp_path / "laid" / f"{row.photo}.png") == row.sha256
    before = {row.photo: row for row in rows}
    shard.supply("1.png", (31, 20), left=7)
    again, computed = shard.run()
    assert computed == 0 and shard.loads == 1
    assert [row.x0 for row in again] == [5, 7, 0]
    assert again[0] == before[again[0].photo] and again[2] == before[again[2].photo]
    (tmp_path / "masks" / "0.png").unlink()
    rows, computed = shard.run()
    assert computed == 1 and rows[0].source == "u2netp"


def test_a_mask_of_another_size_stops_before_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = Shard(tmp_path, monkeypatch)
    shard.supply("0.png", (15, 10))
    with pytest.raises(UserError, match=r"masks.supplied: 0.png: it is 15 x 10, its photo 30 x 20; correct or remove"):
        shard.run()
    assert shard.loads == 0


def test_a_mask_overwritten_during_the_run_is_not_filed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = Shard(tmp_path, monkeypatch)
    index = shard.index()
    before = (tmp_path / "masks" / "1.png").read_bytes()
    shard.supply("1.png", (31, 20), left=9)
    with pytest.raises(UserError, match=f"masks.supplied: 1.png: {OVERWRITTEN}"):
        shard.run(index)
    assert shard.loads == 0
    (tmp_path / "masks" / "1.png").write_bytes(before)
    rows, _ = shard.run(index)
    assert [row.x0 for row in rows] == [5, 5, 0]
