"""Scores move the right way: blur, motion, darkness, clipping, noise, compression, all inside the subject."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from darkroom.config.framing import QualitySettings, SelectionSettings
from darkroom.framing.picture_defects import filled, unblocked
from darkroom.framing.quality_scores import score_photo
from darkroom.imaging.open_photo import OpenedPhoto

SIZE = 400
THRESHOLDS = SelectionSettings()


def subject_mask() -> Image.Image:
    mask = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(mask).ellipse((100, 100, 300, 300), fill=255)
    return mask


def photo() -> Image.Image:
    """A subject with drawn detail, and as much detail around it."""
    random = np.random.default_rng(0)
    picture = Image.new("RGB", (SIZE, SIZE), (120, 130, 110))
    draw = ImageDraw.Draw(picture)
    for _ in range(400):
        x, y, radius = *random.integers(0, SIZE, 2), random.integers(4, 14)
        colour = tuple(int(level) for level in random.integers(40, 220, 3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return picture.filter(ImageFilter.GaussianBlur(0.5))


def score(picture: Image.Image, **changes: object) -> dict[str, float]:
    opened = OpenedPhoto(picture, picture.size, str(changes.get("format", "PNG")), "", changes.get("quality"))  # type: ignore[arg-type]
    return score_photo(opened, subject_mask(), QualitySettings())


def motion(picture: Image.Image, horizontal: bool) -> Image.Image:
    shift = np.asarray(picture, float)
    axis = 1 if horizontal else 0
    smeared = np.mean([np.roll(shift, step, axis) for step in range(-5, 6)], axis=0)
    return Image.fromarray(smeared.astype(np.uint8))


def test_sharp_photo_passes_and_blurred_ones_do_not() -> None:
    sharp = score(photo())["sharpness"]
    slightly, *blurred = [score(photo().filter(ImageFilter.GaussianBlur(by)))["sharpness"] for by in (1, 2, 3, 5)]
    assert sharp > THRESHOLDS.min_sharpness > max(blurred)
    assert sharp > slightly > max(blurred)


@pytest.mark.parametrize("horizontal", [True, False])
def test_motion_blur_in_either_direction_is_seen(horizontal: bool) -> None:
    assert score(motion(photo(), horizontal))["sharpness"] < THRESHOLDS.min_sharpness


def test_only_the_subject_counts() -> None:
    """A missed focus blurs the subject before a crisp background; a shallow focus does the opposite and is good."""
    blurred = photo().filter(ImageFilter.GaussianBlur(4))
    around = subject_mask().filter(ImageFilter.GaussianBlur(3))
    missed = Image.composite(blurred, photo(), around.point(lambda level: min(255, 3 * level)))
    shallow = Image.composite(photo(), blurred, around.point(lambda level: min(255, 3 * level)))
    assert score(missed)["sharpness"] < THRESHOLDS.min_sharpness < score(shallow)["sharpness"]


def test_soft_shading_is_no_blur_in_a_small_copy() -> None:
    """A plain toy with a crisp rim: what is shaded softly becomes steeper as the photo gets smaller."""
    side = 1024
    y, x = np.mgrid[:side, :side].astype(np.float32)
    disc = (x - 512) ** 2 + (y - 512) ** 2 < 350**2
    waves = 150 + 17 * np.sin(x / 16) + 17 * np.sin(y / 16)
    large = Image.fromarray(np.where(disc, waves, 40).astype(np.uint8)).convert("RGB")
    mask = Image.fromarray((disc * 255).astype(np.uint8))
    for size in (1024, 720, 520):
        copy = large.resize((size, size), Image.Resampling.LANCZOS)
        opened = OpenedPhoto(copy, copy.size, "PNG", "", None)
        found = score_photo(opened, mask.resize(copy.size), QualitySettings())
        assert found["sharpness"] > THRESHOLDS.min_sharpness, size


def test_sharpness_does_not_depend_on_contrast() -> None:
    faint = photo().point(lambda level: 80 + level // 3)
    assert score(faint)["sharpness"] == pytest.approx(score(photo())["sharpness"], abs=0.1)


def drawn(side: int) -> tuple[Image.Image, Image.Image]:
    """The same scene drawn in any size, without stairs, and its subject."""
    large = Image.new("RGB", (4 * side, 4 * side), (120, 130, 110))
    draw, random = ImageDraw.Draw(large), np.random.default_rng(2)
    for x, y, radius, level in random.uniform(0, 1, (400, 4)):
        box = [4 * side * place for place in (x - radius / 30, y - radius / 30, x + radius / 30, y + radius / 30)]
        draw.ellipse(box, fill=(round(40 + 180 * level),) * 3)
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).ellipse((side // 4, side // 4, 3 * side // 4, 3 * side // 4), fill=255)
    return large.resize((side, side), Image.Resampling.BOX), mask


def sharpness_of(picture: Image.Image, mask: Image.Image) -> float:
    return float(score_photo(OpenedPhoto(picture, picture.size, "PNG", "", None), mask, QualitySettings())["sharpness"])


def test_sharpness_does_not_depend_on_the_number_of_pixels() -> None:
    scenes = [drawn(side) for side in (600, 1024, 2400)]
    sharp = [sharpness_of(*scene) for scene in scenes]
    assert max(sharp) - min(sharp) < 0.1
    for picture, mask in scenes:
        blurred = picture.filter(ImageFilter.GaussianBlur(2.5 * picture.width / 1024))
        assert sharpness_of(blurred, mask) < THRESHOLDS.min_sharpness


def test_a_blurred_middle_with_a_crisp_rim_is_seen() -> None:
    picture, mask = drawn(1024)
    blurred = picture.filter(ImageFilter.GaussianBlur(3))
    picture.paste(blurred.crop((320, 320, 704, 704)), (320, 320))
    assert sharpness_of(picture, mask) < THRESHOLDS.min_sharpness


def ball(size: int, ground: int) -> tuple[Image.Image, Image.Image]:
    """A plain white ball, softly shaded, on a plain ground: crisp, and only its rim is an edge."""
    down, across = np.ogrid[:1024, :1024]
    distance = np.hypot(down - 512, across - 512)
    inside = np.clip(size / 2 - distance + 0.5, 0, 1)
    levels = inside * (235 - 40 * (distance / size) ** 2) + (1 - inside) * ground
    picture = Image.fromarray(levels.round().astype(np.uint8)).convert("RGB")
    return picture, Image.fromarray((inside * 255).astype(np.uint8))


@pytest.mark.parametrize("size", [80, 300, 900])
def test_plain_toy_is_as_sharp_as_its_rim(size: int) -> None:
    picture, mask = ball(size, 60)
    assert sharpness_of(picture, mask) > THRESHOLDS.min_sharpness
    assert sharpness_of(picture.filter(ImageFilter.GaussianBlur(3)), mask) < THRESHOLDS.min_sharpness


def test_stripes_are_not_taken_for_motion() -> None:
    """Along stripes there is no edge, and none that motion could have blurred."""
    levels = np.tile(np.where(np.arange(1024) // 16 % 2, 200, 60), (1024, 1)).astype(np.uint8)
    stripes = Image.fromarray(levels).convert("RGB")
    assert sharpness_of(stripes, Image.new("L", (1024, 1024), 255)) > THRESHOLDS.min_sharpness


def test_grain_does_not_make_a_blurred_photo_sharp() -> None:
    picture, mask = drawn(1024)
    grain = np.random.default_rng(0).normal(0, 3, (1024, 1024, 1))

    def grainy(photo: Image.Image) -> Image.Image:
        return Image.fromarray(np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8))

    assert sharpness_of(grainy(picture), mask) > THRESHOLDS.min_sharpness
    assert sharpness_of(grainy(picture.filter(ImageFilter.GaussianBlur(3))), mask) < THRESHOLDS.min_sharpness


def test_exposure() -> None:
    good, dark = score(photo()), score(photo().point(lambda level: level // 12))
    burnt = score(photo().point(lambda level: min(255, 4 * level)))
    assert good["exposure"] > THRESHOLDS.min_exposure > dark["exposure"]
    assert burnt["unclipped"] < good["unclipped"] and burnt["exposure"] == burnt["unclipped"]


def test_noise_and_compression() -> None:
    random = np.random.default_rng(0)
    flat = np.full((SIZE, SIZE, 3), 120.0)
    values = [
        score(Image.fromarray((flat + random.normal(0, sigma, flat.shape)).clip(0, 255).astype(np.uint8)))["noise"]
        for sigma in (0, 3, 12)
    ]
    assert values == sorted(values, reverse=True) and values[0] == 60
    assert score(photo())["compression"] == 1
    assert score(photo(), format="JPEG", quality=85)["compression"] == 0.85
    assert all(score(photo(), format=form)["compression"] is None for form in ("WEBP", "AVIF", "HEIF"))


def test_no_subject_means_the_whole_photo() -> None:
    opened = OpenedPhoto(photo(), (400, 400), "PNG", "", None)
    empty = Image.new("L", (SIZE, SIZE), 0)
    assert score_photo(opened, empty, QualitySettings())["sharpness"] > THRESHOLDS.min_sharpness


def test_scores_of_a_tiny_photo_are_numbers(tmp_path: Path) -> None:
    tiny = OpenedPhoto(Image.new("RGB", (3, 2), "grey"), (3, 2), "PNG", "", None)
    scores = score_photo(tiny, Image.new("L", (3, 2), 255), QualitySettings())
    assert all(np.isfinite(value) for value in scores.values())


def test_compression_does_not_make_a_very_blurred_photo_sharp() -> None:
    picture, mask = drawn(640)
    blurred = recompressed(picture.filter(ImageFilter.GaussianBlur(8)), 50)
    assert sharpness_of(blurred, mask) < THRESHOLDS.min_sharpness
    assert sharpness_of(recompressed(picture, 50), mask) > THRESHOLDS.min_sharpness


def recompressed(picture: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("RGB")


def test_blocks_are_seen_wherever_the_grid_begins() -> None:
    clean, fine, coarse = photo(), recompressed(photo(), 95), recompressed(photo(), 8)
    values = [score(picture)["unblocked"] for picture in (clean, fine, coarse)]
    assert values[2] < 0.6 < 0.85 < min(values[:2])
    for moved in (coarse.crop((3, 5, 400, 400)), coarse.transpose(Image.Transpose.ROTATE_90)):
        assert unblocked(np.asarray(moved.convert("L"))) == pytest.approx(values[2], abs=0.1)


def filled_share(picture: Image.Image) -> float:
    return filled(np.asarray(picture.convert("L"), np.float32))


@pytest.mark.parametrize("border", [(0, 60), (60, 0), (50, 50)])
@pytest.mark.parametrize("colour", ["black", "white"])
def test_bars_and_borders_are_measured(border: tuple[int, int], colour: str) -> None:
    framed = ImageOps.expand(photo(), border, colour)
    share = SIZE**2 / (framed.width * framed.height)
    assert filled_share(framed) == pytest.approx(share, abs=0.01)
    assert filled_share(recompressed(framed, 80)) == pytest.approx(share, abs=0.03)


def test_plain_ground_sky_and_a_thing_on_paper_are_no_bars() -> None:
    assert filled_share(photo()) == 1
    assert filled_share(Image.new("RGB", (400, 300), "white")) == 1
    sky = photo()
    sky.paste("white", (0, 0, 400, 200))
    assert filled_share(sky) == 1
    assert filled_share(ball(500, 255)[0]) == 1


def test_size_of_the_subject_is_in_pixels_of_the_photo() -> None:
    large = photo().resize((3000, 3000))
    opened = OpenedPhoto(large, large.size, "PNG", "", None)
    half = Image.new("L", (3000, 3000), 0)
    half.paste(255, (0, 0, 3000, 750))
    assert score_photo(opened, half, QualitySettings())["subject_side"] == pytest.approx(1500)
    assert score_photo(opened, Image.new("L", large.size, 0), QualitySettings())["subject_side"] == 0
