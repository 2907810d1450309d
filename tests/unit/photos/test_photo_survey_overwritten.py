"""A photo overwritten during a run: nothing is filed under the hash of bytes that were not read."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from table_rows import mask_row

from darkroom.captions.photo_captions import caption_keys, caption_photos
from darkroom.config.base import ComputeSettings
from darkroom.config.framing import QualitySettings
from darkroom.config.photos import OpeningSettings
from darkroom.errors import UserError
from darkroom.framing import subject_masks
from darkroom.framing.buckets import Crop
from darkroom.framing.frame_plan import PlannedFrame
from darkroom.framing.frames import Sources, cut_frames
from darkroom.framing.quality_scores import score_photos
from darkroom.framing.segmenter import Finder
from darkroom.framing.subject_masks import mask_photos
from darkroom.imaging import open_photo as open_photo_module
from darkroom.imaging.open_photo import open_photo
from darkroom.imaging.photo_error import OVERWRITTEN, PhotoError
from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.models.lock import LockedModel
from darkroom.photo_folder.index import refresh_index
from darkroom.photo_folder.photo_table import PhotoFile, read_photos
from darkroom.photos.photo_survey import survey_files
from darkroom.storage.cache import Cache
from darkroom.storage.files import sha256_file
from darkroom.storage.tables import write_rows

NAME = "a cat.png"
SIZE = (60, 40)
HEIC = Path(__file__).parents[2] / "helpers" / "heic" / "orientation-1.heic"


class Shard:
    """A shard of one photo, surveyed, and another picture of its size to take its place."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder, self.cache = root, root / "photos", root / "cache"
        self.path, self.other = self.folder / NAME, root / "other.png"
        self.folder.mkdir()
        for seed, path in enumerate((self.path, self.other)):
            noise = np.random.default_rng(seed).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)
            Image.fromarray(noise).save(path)
        self.original = self.path.read_bytes()
        self.index = refresh_index(self.folder, root / "index.json")
        self.row = self.survey()
        self.masks = root / "photo_masks"
        self.masks.mkdir()
        mask = self.masks / f"{self.row.photo}.png"
        Image.new("L", SIZE, 255).save(mask)
        self.mask_row = mask_row(self.row.photo, sha256=sha256_file(mask))
        self.photos, self.mask_rows = {self.row.photo: self.row}, {self.row.photo: self.mask_row}

    def survey(self) -> PhotoFile:
        rows, _ = survey_files(self.index, self.folder, OpeningSettings(), self.cache)
        write_rows(self.root / "photos.csv", PhotoFile, rows)
        return read_photos(self.root / "photos.csv")[0]


def _thumbnail(shard: Shard) -> Any:
    shutil.rmtree(shard.cache / "thumbnails", ignore_errors=True)
    return load_thumbnail(Cache(shard.cache / "thumbnails"), shard.row, shard.folder).tobytes()


def _mask(shard: Shard) -> Any:
    model = LockedModel("u2netp.onnx", "", Path("u2netp.onnx"), {"u2netp.onnx": "0"})
    finder = Finder(model, None, None, "toy", ComputeSettings(device="cpu"))
    return mask_photos(shard.photos, shard.folder, [finder], shard.cache, shard.root / "laid", {}, shard.root)


def _score(shard: Shard) -> Any:
    return score_photos(shard.photos, shard.mask_rows, shard.folder, shard.masks, QualitySettings(), shard.cache)


def _caption(shard: Shard) -> Any:
    cache = Cache(shard.cache / "captions")
    return caption_photos(shard.photos, caption_keys(shard.photos), cache, 2, shard.folder, lambda: _describe)


def _describe(pictures: Any) -> list[dict[str, Any]]:
    return [{"text": f"a picture of {np.asarray(picture).mean():.3f}"} for picture in pictures]


def _frame(shard: Shard) -> Any:
    photo = shard.row.photo
    plan = PlannedFrame(photo, photo, "train", "ok", Crop(0, 0, *SIZE, (30, 20)), "", True)
    sources = Sources(shard.photos, shard.mask_rows, shard.folder, shard.masks)
    return cut_frames([plan], sources, "photo", shard.cache, (shard.root / "frames", shard.root / "masks"))


STAGES: dict[str, Callable[[Shard], Any]] = {
    "thumbnails": _thumbnail,
    "masks": _mask,
    "quality": _score,
    "captions": _caption,
    "frames": _frame,
}


@pytest.mark.parametrize("stage", STAGES)
def test_what_was_read_of_an_overwritten_photo_is_not_filed(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_masks, "load_segmenter", lambda finder: lambda picture: picture.convert("L"))
    shard = Shard(tmp_path)
    shutil.copyfile(shard.other, shard.path)
    with pytest.raises(UserError, match=f"{NAME}: {OVERWRITTEN}; put back what was there before, or start again"):
        STAGES[stage](shard)
    assert not [path for path in (shard.cache / stage).rglob("*") if path.is_file()]
    shard.path.write_bytes(shard.original)
    found = STAGES[stage](shard)
    shutil.rmtree(shard.cache / stage)
    assert STAGES[stage](shard) == found


def test_the_survey_of_an_overwritten_photo_is_not_filed(tmp_path: Path) -> None:
    shard = Shard(tmp_path)
    for content in (shard.other.read_bytes(), shard.original[:200], b"a text", b""):
        shutil.rmtree(shard.cache)
        shard.path.write_bytes(content)
        with pytest.raises(UserError, match=f"{NAME}: {OVERWRITTEN}; start again"):
            shard.survey()
        assert not [path for path in shard.cache.rglob("*") if path.is_file()]
        shard.path.write_bytes(shard.original)
        assert shard.survey() == shard.row


WHEN = {"before": "check_size", "after": "plain_rgb"}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.gif", "a.bmp", "a.avif", HEIC.name])
def test_what_is_written_while_a_photo_is_decoded_is_noticed(
    name: str, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place and of the same length, just before the pixels are decoded or just after."""
    path = tmp_path / name
    if name == HEIC.name:
        shutil.copyfile(HEIC, path)
    else:
        options = {"compression": "tiff_lzw"} if name == "a.tif" else {}
        Image.linear_gradient("L").convert("RGB").save(path, **options)
    sha256, data = sha256_file(path), path.read_bytes()
    assert open_photo(path, sha256=sha256).file_bytes == len(data)
    meanwhile = getattr(open_photo_module, WHEN[when])

    def overwritten(*arguments: Any) -> Any:
        with path.open("r+b") as file:
            file.write(data[:-20] + bytes(255 - value for value in data[-20:]))
        return meanwhile(*arguments)

    monkeypatch.setattr(open_photo_module, WHEN[when], overwritten)
    with pytest.raises(PhotoError, match=OVERWRITTEN):
        open_photo(path, sha256=sha256)
