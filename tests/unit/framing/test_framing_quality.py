"""Scores move the right way: blur, motion, darkness, clipping, noise, compression, all inside the subject."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from darkroom.framing.quality_scores import score_photo
from darkroom.framing.settings import QualitySettings, SelectionSettings
from darkroom.open_photo import OpenedPhoto

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


def test_sharpness_does_not_depend_on_contrast_or_resolution() -> None:
    sharp = score(photo())["sharpness"]
    assert score(photo().point(lambda level: 80 + level // 3))["sharpness"] == pytest.approx(sharp, abs=0.1)
    large = photo().resize((2048, 2048), Image.Resampling.LANCZOS)
    settings = QualitySettings(side=SIZE)
    mask = subject_mask().resize(large.size)
    again = score_photo(OpenedPhoto(large, large.size, "PNG", "", None), mask, settings)["sharpness"]
    assert again == pytest.approx(sharp, abs=0.06)


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
