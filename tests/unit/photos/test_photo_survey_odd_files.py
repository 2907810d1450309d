"""The survey over every kind of odd and bad file: a row for each, right pixels, and the folder untouched."""

import ctypes
import json
import os
import stat
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pytest
from icc_profiles import ADOBE_RGB, DISPLAY_P3, SRGB, Space, delta_e, lab, rgb_profile
from numpy.typing import NDArray
from odd_files import blocked, make_odd_files
from odd_pictures import HEIC, PLACE, Folder, halves
from PIL import Image

from darkroom.captions.caption_sources import read_sidecars
from darkroom.errors import UserError
from darkroom.imaging.open_photo import open_photo, surveyed_photo
from darkroom.photo_folder.index import read_index
from darkroom.photo_folder.photo_table import PhotoFile, read_photos

SCRIPTS = Path(__file__).parents[3] / "scripts"
SHARDS = 3
REFRESH = (
    "import sys; from pathlib import Path; from darkroom.photo_folder.index import refresh_index; "
    "refresh_index(Path(sys.argv[1]), Path(sys.argv[2]))"
)
DROP_FROM_BOUNDING_SET, OVERRIDE, READ_SEARCH = 24, 1, 2  # prctl(2), capabilities(7)


def _as_anybody() -> None:
    """Let a command of root respect permissions, too."""
    if os.geteuid() == 0:
        for capability in (OVERRIDE, READ_SEARCH):
            ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


def _run(*command: str | Path, **variables: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), **variables}
    words = [sys.executable, *map(str, command)]
    done = subprocess.run(
        words, env=environment, preexec_fn=_as_anybody, capture_output=True, timeout=300, errors="replace"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def survey(folder: Path, work: Path) -> list[PhotoFile]:
    """What Snakemake does: refresh the index, survey every shard, gather."""
    _run("-c", REFRESH, folder, work / "index.json")
    tables = [work / "shards" / f"{shard}.csv" for shard in range(SHARDS)]
    for shard, table in enumerate(tables):
        arguments = ["--index", work / "index.json", "--folder", folder, "--shard", str(shard), "--table", table]
        settings = ["--shards", str(SHARDS), "--settings", json.dumps({"max_megapixels": 200})]
        _run(SCRIPTS / "survey_photos.py", *arguments, *settings, "--cache", work / "cache")
    _run(SCRIPTS / "gather_photos.py", "--tables", *tables, "--table", work / "photos.csv")
    return read_photos(work / "photos.csv")


def _everything(folder: Path) -> dict[Path, tuple[object, ...]]:
    """Names, kinds, permissions, times and bytes of all that lies in a folder."""
    found: dict[Path, tuple[object, ...]] = {}
    for place, folders, files in os.walk(folder):
        for path in [Path(place), *(Path(place) / name for name in (*folders, *files))]:
            status = path.lstat()
            readable = stat.S_ISREG(status.st_mode) and status.st_mode & 0o400
            data = path.read_bytes() if readable else b""
            found[path] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino, data)
    return found


@dataclass(frozen=True)
class Surveyed:
    """A folder of odd files, what was expected of it and what the survey made of it."""

    folder: Path
    work: Path
    expected: Folder
    rows: list[PhotoFile]
    before: dict[Path, tuple[object, ...]]

    @property
    def by_path(self) -> dict[str, PhotoFile]:
        return {row.path: row for row in self.rows}


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Surveyed:
    root = tmp_path_factory.mktemp("odd")
    expected = make_odd_files(root / "photos", root / "outside", blocked)
    before = _everything(root / "photos")
    return Surveyed(root / "photos", root, expected, survey(root / "photos", root), before)


def test_every_file_has_one_row_with_its_status_and_a_reason(surveyed: Surveyed) -> None:
    assert len(surveyed.expected) > 150
    assert sorted(row.path for row in surveyed.rows) == sorted(surveyed.expected)
    wrong = {
        path: (row.status, row.reason)
        for path, row in surveyed.by_path.items()
        if row.status != surveyed.expected[path].status or surveyed.expected[path].words not in row.reason
    }
    assert not wrong
    assert all(bool(row.reason) == (row.status != "ok") for row in surveyed.rows)
    assert all(str(cell).isprintable() for row in surveyed.rows for cell in astuple(row))
    assert surveyed.by_path["zz copy of the first.png"].of_path == "IMG_0001.png"


def test_good_photos_are_exact(surveyed: Surveyed) -> None:
    off = {}
    for path, expected in surveyed.expected.items():
        if expected.picture is not None:
            photo = surveyed_photo(surveyed.folder, surveyed.by_path[path])
            assert photo.picture.size == expected.picture.size, path
            wanted = _pixels(expected.picture, photo.format)
            distance = int(np.abs(_pixels(photo.picture, photo.format) - wanted).max())
            if distance > expected.tolerance:
                off[path] = distance
    assert not off


def _pixels(picture: Image.Image, form: str) -> NDArray[np.int64]:
    """All pixels; of a raw, whose edges are interpolated, those amid the patches."""
    pixels = np.asarray(picture, dtype=np.int64)
    return pixels[12::24, 12::24] if form == "RAW" else pixels


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif", "heic", "dng"])
def test_the_eight_orientations_are_equal(surveyed: Surveyed, suffix: str) -> None:
    rows = [surveyed.by_path[f"turned-{number}.{suffix}"] for number in range(1, 9)]
    pictures = [surveyed_photo(surveyed.folder, row) for row in rows]
    first, *others = [_pixels(photo.picture, photo.format) for photo in pictures]
    assert all(np.array_equal(first, other) for other in others)
    times = {photo.taken_at for photo in pictures}
    assert times == {"2024-05-04T10:30:11.25" if suffix == "dng" else "2024-05-04T10:30:11.548"}
    sizes = {(*row.size, row.taken_at) for row in rows}
    assert sizes == {(*pictures[0].picture.size, pictures[0].taken_at)}


@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB], ids=["Display P3", "Adobe RGB"])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_patches_of_wide_colours_come_out_within_delta_e_1(tmp_path: Path, space: Space, suffix: str) -> None:
    """Colours that sRGB has, too; without the profile they are far off."""
    levels = (120, 145, 170)
    patches = [(red, green, blue) for red in levels for green in levels for blue in levels]
    for patch in patches if suffix == "png" else patches[::9]:
        Image.new("RGB", (8, 8), patch).save(tmp_path / f"a.{suffix}", icc_profile=rgb_profile(space), lossless=True)
        assert delta_e(lab(patch, space), lab(_colour(tmp_path / f"a.{suffix}"), SRGB)) < 1
    assert delta_e(lab((170, 120, 120), space), lab((170, 120, 120), SRGB)) > 4


def test_a_patch_of_a_phone_comes_out_within_delta_e_1() -> None:
    assert delta_e(lab((180, 120, 90), DISPLAY_P3), lab(_colour(HEIC / "display-p3.heic"), SRGB)) < 1


def _colour(path: Path) -> tuple[int, ...]:
    return tuple(np.asarray(open_photo(path).picture)[4, 4].tolist())


def test_no_position_reaches_an_output(surveyed: Surveyed) -> None:
    assert any(PLACE.encode() in data for *_, data in surveyed.before.values() if isinstance(data, bytes))
    outputs = [path for part in ("shards", "cache") for path in (surveyed.work / part).rglob("*") if path.is_file()]
    outputs += [surveyed.work / "photos.csv", surveyed.work / "index.json"]
    assert len(outputs) > 100
    for path in outputs:
        data = path.read_bytes()
        assert PLACE.encode() not in data and b"GPS" not in data
        if path.suffix == ".jpg":
            with Image.open(path) as thumbnail:
                assert not thumbnail.getexif() and "icc_profile" not in thumbnail.info
    assert surveyed_photo(surveyed.folder, surveyed.by_path["turned-6.jpg"]).picture.info == {}


def test_captions_beside_photos_of_odd_names_are_read(surveyed: Surveyed) -> None:
    texts = read_sidecars(surveyed.rows, surveyed.folder)
    photos = {surveyed.by_path[path].photo for path in (r"two\x0alines.png", r"latin caf\xe9.png")}
    assert texts == dict.fromkeys(photos, "a caption")


def test_the_folder_is_as_it_was(surveyed: Surveyed) -> None:
    assert _everything(surveyed.folder) == surveyed.before
    assert not list(surveyed.work.rglob("pwned")) and not Path("pwned").exists()


def test_another_locale_and_number_of_shards_say_the_same(surveyed: Surveyed, tmp_path: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    _run("-c", REFRESH, surveyed.folder, tmp_path / "index.json", **plain)
    assert (tmp_path / "index.json").read_bytes() == (surveyed.work / "index.json").read_bytes()
    arguments = ["--index", tmp_path / "index.json", "--folder", surveyed.folder, "--table", tmp_path / "0.csv"]
    rest = ["--shard", "0", "--shards", "1", "--settings", "{}", "--cache", tmp_path / "cache"]
    _run(SCRIPTS / "survey_photos.py", *arguments, *rest, **plain)
    _run(SCRIPTS / "gather_photos.py", "--tables", tmp_path / "0.csv", "--table", tmp_path / "photos.csv", **plain)
    assert (tmp_path / "photos.csv").read_bytes() == (surveyed.work / "photos.csv").read_bytes()


def test_a_photo_that_vanishes_meanwhile_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("stays.png", "goes.png"):
        halves().resize((40, len(name))).save(tmp_path / "photos" / name)
    _run("-c", REFRESH, tmp_path / "photos", tmp_path / "index.json")
    assert len(read_index(tmp_path / "index.json")) == 2
    (tmp_path / "photos" / "goes.png").unlink()
    os.mkfifo(tmp_path / "photos" / "goes.png")
    arguments = ["--index", tmp_path / "index.json", "--folder", tmp_path / "photos", "--table", tmp_path / "0.csv"]
    rest = ["--shard", "0", "--shards", "1", "--settings", "{}", "--cache", tmp_path / "cache"]
    _run(SCRIPTS / "survey_photos.py", *arguments, *rest)
    rows = {row.path: row for row in read_photos(tmp_path / "0.csv")}
    said = {path: (row.status, row.reason) for path, row in rows.items()}
    assert said == {"stays.png": ("ok", ""), "goes.png": ("unreadable", "no file any more")}
    with pytest.raises(UserError, match=r"goes\.png: no file any more; put back what was there before"):
        surveyed_photo(tmp_path / "photos", rows["goes.png"])
