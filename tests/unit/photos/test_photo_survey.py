"""The survey gives every file a row, opens each content once, and finds the photos of sidecars."""

from pathlib import Path

import numpy as np
from PIL import Image

from darkroom.config.photos import OpeningSettings
from darkroom.imaging.thumbnails import load_thumbnail, thumbnail_key
from darkroom.photo_folder.index import refresh_index
from darkroom.photo_folder.photo_table import PhotoFile, read_photos
from darkroom.photos.photo_survey import survey_files
from darkroom.photos.sidecars import name_sidecars
from darkroom.storage.cache import Cache
from darkroom.storage.tables import write_rows


def _folder(root: Path) -> Path:
    folder = root / "photos"
    (folder / "a b").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "one.png")
    (folder / "a b" / "copy '1'.png").write_bytes((folder / "one.png").read_bytes())
    (folder / "one.txt").write_text("a caption")
    (folder / "notes.txt").write_text("nothing")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    (folder / "film.mp4").write_bytes(b"film")
    return folder


def _survey(root: Path, folder: Path) -> tuple[dict[str, PhotoFile], int]:
    files = refresh_index(folder, root / "index.json")
    rows, opened = survey_files(files, folder, OpeningSettings(), root / "cache")
    write_rows(root / "photos.csv", PhotoFile, rows)
    return {file.path: file for file in name_sidecars(read_photos(root / "photos.csv"))}, opened


def test_every_file_has_a_row(tmp_path: Path) -> None:
    rows, opened = _survey(tmp_path, _folder(tmp_path))
    assert {path: row.status for path, row in rows.items()} == {
        "a b/copy '1'.png": "ok",
        "one.png": "identical",
        "one.txt": "sidecar",
        "notes.txt": "unsupported",
        "broken.jpg": "unreadable",
        "film.mp4": "unsupported",
    }
    assert rows["one.png"].of_path == "a b/copy '1'.png" and rows["one.txt"].of_path == "one.png"
    assert all(row.reason for row in rows.values() if row.status != "ok")
    assert opened == 3


def test_second_survey_opens_nothing_and_one_new_photo_is_opened_alone(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    first, _ = _survey(tmp_path, folder)
    second, opened = _survey(tmp_path, folder)
    assert first == second and opened == 0
    Image.new("RGB", (30, 30), "green").save(folder / "new.png")
    assert _survey(tmp_path, folder)[1] == 1


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 30), (200, 30, 40)).save(folder / "a.png")
    index = refresh_index(folder, tmp_path / "index.json")
    (folder / "a.png").rename(folder / "away.png")
    rows, opened = survey_files(index, folder, OpeningSettings(), tmp_path / "cache")
    assert (rows[0].status, opened) == ("unreadable", 1)
    (folder / "away.png").rename(folder / "a.png")
    rows, opened = survey_files(index, folder, OpeningSettings(), tmp_path / "cache")
    assert (rows[0].status, opened) == ("ok", 1)


def test_a_damaged_thumbnail_is_made_anew(tmp_path: Path) -> None:
    """After a power loss a file of the cache may be cut short, or end in zeros."""
    folder = _folder(tmp_path)
    row = _survey(tmp_path, folder)[0]["a b/copy '1'.png"]
    memory = Cache(tmp_path / "cache" / "thumbnails")
    whole = load_thumbnail(memory, row, folder)
    path = memory.path(thumbnail_key(row.sha256), ".jpg")
    data = path.read_bytes()
    for damaged in (b"", data[: len(data) // 2], data[: len(data) // 2] + bytes(len(data) // 2)):
        path.write_bytes(damaged)
        assert load_thumbnail(memory, row, folder).tobytes() == whole.tobytes()
        assert path.read_bytes() == data
