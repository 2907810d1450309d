"""The one function that opens photos: formats, orientation, profiles, alpha, limits and reasons."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odd_pictures import RED, halves
from PIL import Image, ImageCms

from darkroom.imaging.open_photo import PhotoError, open_photo


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jpg", "gif"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    halves().save(path, **({"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}))
    photo = open_photo(path)
    assert (*photo.size, photo.picture.mode) == (48, 32, "RGB")
    tolerance = 12 if suffix == "jpg" else 0
    assert np.abs(np.asarray(photo.picture).astype(int)[20, 10] - RED).max() <= tolerance
    assert (photo.jpeg_quality is not None) == (suffix == "jpg")
    assert photo.picture.info == {}


def test_capture_time_with_subseconds_and_no_gps(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:05:04 10:30:11", 0x9291: "548"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 1.0)})
    halves().save(tmp_path / "a.jpg", exif=exif)
    photo = open_photo(tmp_path / "a.jpg")
    assert photo.taken_at == "2024-05-04T10:30:11.548"
    assert not photo.picture.getexif() and photo.picture.info == {}


def test_broken_capture_time_is_unknown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "0000:00:00 00:00:00"})
    halves().save(tmp_path / "a.jpg", exif=exif)
    assert open_photo(tmp_path / "a.jpg").taken_at == ""


def test_odd_pixels(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 32 * 16).reshape(16, 32).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    assert (
        np.abs(np.asarray(open_photo(tmp_path / "deep.png").picture)[..., 0].astype(float) - ramp / 257).max() <= 0.51
    )
    halves().convert("CMYK").save(tmp_path / "cmyk.tif")
    assert np.abs(np.asarray(open_photo(tmp_path / "cmyk.tif").picture)[20, 10].astype(int) - RED).max() <= 2
    halves().convert("L").save(tmp_path / "grey.png")
    assert open_photo(tmp_path / "grey.png").picture.mode == "RGB"
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    clear.putpixel((0, 0), (255, 0, 0, 255))
    clear.save(tmp_path / "alpha.png")
    picture = open_photo(tmp_path / "alpha.png").picture
    assert picture.getpixel((0, 0)) == (255, 0, 0) and picture.getpixel((5, 5)) == (128, 128, 128)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 1), 1)
    palette.save(tmp_path / "palette.png", transparency=0)
    picture = open_photo(tmp_path / "palette.png").picture
    assert picture.getpixel((0, 0)) == (128, 128, 128) and picture.getpixel((1, 1)) == (40, 50, 60)


def test_profile_is_converted(tmp_path: Path) -> None:
    """A profile other than sRGB changes pixels; a broken one changes none."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    halves().save(tmp_path / "broken.png", icc_profile=b"no profile")
    halves().save(tmp_path / "mismatched.png", icc_profile=lab)
    for name in ("broken", "mismatched"):
        assert np.array_equal(np.asarray(open_photo(tmp_path / f"{name}.png").picture), np.asarray(halves()))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    halves().save(tmp_path / "srgb.png", icc_profile=srgb)
    assert np.array_equal(np.asarray(open_photo(tmp_path / "srgb.png").picture), np.asarray(halves()))


def _jpeg() -> bytes:
    data = io.BytesIO()
    Image.effect_noise((200, 200), 60).convert("RGB").save(data, "JPEG", quality=95)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "status", "words"),
    [
        ("a.jpg", b"", "unreadable", "empty"),
        ("a.jpg", b"hello, I am a text", "unreadable", "although its name ends in .jpg"),
        ("a.jpg", _jpeg()[:9000], "unreadable", "truncated"),
        ("a.pdf", b"%PDF-1.7", "unsupported", "not a picture"),
        ("a.mp4", b"\0\0\0\x18ftypmp42", "unsupported", "not a picture"),
        ("a.heic", b"\0\0\0\x18ftypheic" + bytes(64), "unreadable", "although its name ends in .heic"),
    ],
)
def test_reasons(tmp_path: Path, name: str, data: bytes, status: str, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PhotoError) as caught:
        open_photo(tmp_path / name)
    assert caught.value.status == status and words in caught.value.reason and "\n" not in caught.value.reason


def test_mislabelled_picture_opens(tmp_path: Path) -> None:
    """What a file is says its content, never its name: the same bytes are the same photo everywhere."""
    for name in ("a.png", "a.cr2", "a.heic", "a"):
        (tmp_path / name).write_bytes(_jpeg())
        assert open_photo(tmp_path / name).format == "JPEG"


def test_a_small_copy_inside_a_tiff_makes_no_camera_raw_of_it(tmp_path: Path) -> None:
    """Editors write the maker of the camera and smaller copies, too."""
    halves().save(tmp_path / "edited.tif", tiffinfo={271: "Maker", 330: {254: 1, 256: 8, 257: 8}})
    with Image.open(tmp_path / "edited.tif") as image:
        assert {271, 330} <= set(image.tag_v2)
    photo = open_photo(tmp_path / "edited.tif")
    assert photo.format == "TIFF" and np.array_equal(np.asarray(photo.picture), np.asarray(halves()))


def test_size_limit_comes_before_decoding(tmp_path: Path) -> None:
    Image.new("L", (3000, 1000)).save(tmp_path / "a.png")
    with pytest.raises(PhotoError, match="megapixels") as caught:
        open_photo(tmp_path / "a.png", max_megapixels=2)
    assert caught.value.status == "unsupported"
    assert open_photo(tmp_path / "a.png", max_megapixels=3).size[0] == 3000


def test_a_photo_for_which_memory_does_not_suffice_is_not_called_damaged(tmp_path: Path) -> None:
    Image.new("RGB", (12000, 12000), RED).save(tmp_path / "large.png", compress_level=1)
    code = (
        "import resource, sys; from pathlib import Path; from darkroom.imaging.open_photo import open_photo\n"
        "from darkroom.errors import lacks_memory\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))\n"
        "try: open_photo(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, lacks_memory(error))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "large.png")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "scripts")}
    assert subprocess.check_output(command, env=environment, text=True) == "MemoryError True\n"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_decoded_small_is_the_same_photo(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.linear_gradient("L").resize((1600, 1590)).convert("RGB")
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    whole, small = open_photo(tmp_path / "a.jpg"), open_photo(tmp_path / "a.jpg", enough=448)
    assert small.size == whole.size == whole.picture.size
    assert max(small.picture.size) == 800
    expected = np.asarray(whole.picture.resize(small.picture.size, Image.Resampling.BOX)).astype(int)
    assert np.abs(np.asarray(small.picture) - expected).max() <= 3


def test_a_truncated_photo_is_seen_when_decoded_small(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.effect_noise((1600, 1200), 80).save(file, "JPEG")
    (tmp_path / "a.jpg").write_bytes(file.getvalue()[: len(file.getvalue()) * 9 // 10])
    with pytest.raises(PhotoError, match="truncated"):
        open_photo(tmp_path / "a.jpg", enough=448)
