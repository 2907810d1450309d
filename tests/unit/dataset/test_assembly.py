"""The manifest and the export: joined whole, canonical, loud about every gap, verified byte by byte."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image
from table_rows import frame_caption, photo_file, verdict

from darkroom.contracts.caption_tables import AuditRow, FrameCaption
from darkroom.contracts.frame_table import FrameRow
from darkroom.contracts.manifest import Frame, manifest_json, read_manifest
from darkroom.contracts.selection_table import Verdict
from darkroom.dataset.assembly import join_frames
from darkroom.dataset.caption_errors import refuse_errors
from darkroom.dataset.export import export_frames
from darkroom.errors import UserError
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_file, write_json

PHOTOS = ["aa", "bb", "cc"]


@dataclass
class Tables:
    """What is joined, by photo or frame."""

    frames: list[FrameRow]
    selected: dict[str, Verdict]
    captions: dict[str, FrameCaption]
    photos: dict[str, PhotoFile]

    def join(self, folder: Path) -> list[Frame]:
        return join_frames(self.frames, self.selected, self.captions, self.photos, folder)


def tables(folder: Path) -> Tables:
    """A target of three frames, one of them held out."""
    for number, name in enumerate(PHOTOS):
        for kind in ("frames", "masks"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.new("RGB" if kind == "frames" else "L", (16, 8), 50 * number).save(folder / kind / f"{name}.png")
    sizes = {"x0": 20, "y0": 10, "x1": 60, "y1": 30, "width": 16, "height": 8, "photo_width": 100, "photo_height": 40}
    return Tables(
        [FrameRow(name, name, "ok", "", **sizes, picture="", mask="") for name in reversed(PHOTOS)],
        {name: verdict(name, split="held_out" if name == "bb" else "train") for name in PHOTOS},
        {name: frame_caption(name, f'zxq toy, "{name}" é', untriggered="toy") for name in PHOTOS},
        {name: photo_file(name, sha256=name * 32) for name in PHOTOS},
    )


def test_the_manifest_is_canonical_and_reads_back(tmp_path: Path) -> None:
    given = tables(tmp_path)
    frames = given.join(tmp_path)
    assert [(frame.frame, frame.split) for frame in frames] == [("aa", "train"), ("bb", "held_out"), ("cc", "train")]
    first = frames[0]
    assert (first.original_width, first.original_height, first.crop_left, first.crop_top) == (100, 40, 8, 4)
    write_json(tmp_path / "one.json", manifest_json(frames))
    given.frames.reverse()
    write_json(tmp_path / "two.json", manifest_json(list(reversed(given.join(tmp_path)))))
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert read_manifest(tmp_path / "one.json") == frames


@pytest.mark.parametrize("missing", ["frames/aa.png", "masks/aa.png"])
def test_a_missing_file_names_the_frame(tmp_path: Path, missing: str) -> None:
    given = tables(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(UserError, match=r"frame aa: \w+ aa\.png is missing"):
        given.join(tmp_path)


def test_every_gap_is_named(tmp_path: Path) -> None:
    given = tables(tmp_path)
    given.captions["aa"] = frame_caption("aa", " ")
    given.selected["bb"] = verdict("bb", split="")
    Image.new("L", (8, 8)).save(tmp_path / "masks" / "cc.png")
    (tmp_path / "frames" / "cc.png").write_bytes(b"no picture")
    with pytest.raises(UserError) as error:
        given.join(tmp_path)
    text = str(error.value)
    assert "frame aa: no caption" in text and "frame bb: its photo bb is in no split" in text
    assert "mask cc.png is 8x8, not 16x8" in text and "picture cc.png is no picture" in text and "\n" not in text


def test_nothing_to_train_on_is_one_clear_line(tmp_path: Path) -> None:
    given = tables(tmp_path)
    with pytest.raises(UserError, match="no photo is left"):
        replace(given, frames=[]).join(tmp_path)
    given.selected = {name: verdict(name, split="held_out") for name in PHOTOS}
    with pytest.raises(UserError, match="no photo is left"):
        given.join(tmp_path)


def test_the_export_is_what_the_manifest_says(tmp_path: Path) -> None:
    frames = tables(tmp_path).join(tmp_path)
    images, masks = tmp_path / "dataset" / "images", tmp_path / "dataset" / "masks"
    sums = export_frames(frames, tmp_path, images, masks)
    assert sums == {f"{path.parent.name}/{path.name}": sha256_file(path) for path in (tmp_path / "dataset").glob("*/*")}
    assert sorted(path.name for path in masks.iterdir()) == ["aa.png", "bb.png", "cc.png"]
    for frame in frames:
        assert sha256_file(images / f"{frame.frame}.png") == frame.picture_sha256
        assert sha256_file(masks / f"{frame.frame}.png") == frame.mask_sha256
        assert sha256_file(images / f"{frame.frame}.txt") == frame.caption_sha256
    lines = [json.loads(line) for line in (images / "metadata.jsonl").read_text().splitlines()]
    assert lines[1] == {"file_name": "bb.png", "split": "held_out", "text": 'zxq toy, "bb" é'}


def test_other_bytes_than_the_manifest_says_are_refused(tmp_path: Path) -> None:
    frames = tables(tmp_path).join(tmp_path)
    Image.new("L", (16, 8), 7).save(tmp_path / "masks" / "bb.png")
    with pytest.raises(UserError, match=r"masks/bb\.png: it has other bytes"):
        export_frames(frames, tmp_path, tmp_path / "images", tmp_path / "out")


def test_an_error_of_the_audit_stops_and_warnings_do_not(tmp_path: Path) -> None:
    warning = AuditRow("warning", "nearly the same caption", "", 0.5, "", "aa bb", "1.jpg / a b.jpg")
    refuse_errors([warning], tmp_path / "audit.csv")
    error = AuditRow("error", "trigger missing", "", None, "", "aa bb cc dd", "1.jpg / a b.jpg / 3.jpg / 4")
    named = r"audit\.csv: trigger missing \(frames aa of 1\.jpg, bb of a b\.jpg, cc of 3\.jpg and 1 more\).*overrides"
    with pytest.raises(UserError, match=named):
        refuse_errors([warning, error], tmp_path / "audit.csv")


def test_a_caption_of_markup_and_metacharacters_is_exported_as_it_is(tmp_path: Path) -> None:
    given = tables(tmp_path)
    text = "zxq <script>alert('x')</script> & $(rm -rf /); `id` \"quoted\" \\n {title} %s 🐶 " + "word " * 5000
    given.captions = {name: frame_caption(name, text) for name in PHOTOS}
    export_frames(given.join(tmp_path), tmp_path, tmp_path / "images", tmp_path / "exported")
    assert (tmp_path / "images" / "aa.txt").read_text(encoding="utf-8").rstrip("\n") == text
    lines = (tmp_path / "images" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["text"] for line in lines} == {text}
