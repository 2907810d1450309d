"""Which masks are trusted, how the table says it, and the sheet that shows it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from table_rows import mask_row, photo_file, verdict

from darkroom.config.framing import SelectionSettings
from darkroom.framing import mask_sheet
from darkroom.framing.mask_sheet import draw_masks, washed
from darkroom.framing.mask_verdict import mask_problem
from darkroom.storage.cache import Cache

SETTINGS = SelectionSettings()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"looks": 0.3}, "seen otherwise in the mirror: looks 0.30 is below 0.7"),
        ({"expected": 0.5}, "unsure: expected 0.50 is below"),
        ({"largest": 0.6}, "in several pieces: largest 0.60 is below"),
        ({"agreement": 0.95}, ""),
        ({"agreement": 0.95, "looks": 0.3, "largest": 0.5}, ""),
        ({"agreement": 0.8}, ""),
        ({"agreement": 0.8, "expected": 0.5}, "unsure"),
        ({"agreement": 0.69}, "models disagree: agreement 0.69 is below 0.7"),
        ({"source": "supplied", "looks": None, "expected": 0.5, "largest": 0.5}, ""),
        ({"x0": None, "looks": None, "expected": 0}, ""),
    ],
)
def test_reasons_in_words(changes: dict[str, Any], problem: str) -> None:
    found = mask_problem(mask_row(**changes), SETTINGS)
    assert found.startswith(problem) and bool(found) == bool(problem)


def test_thresholds_are_the_users() -> None:
    loose = SelectionSettings(min_agreement=0, min_expected=0, min_largest=0)
    worst = mask_row(agreement=0.1, looks=0.1, expected=0.1, largest=0.1)
    assert mask_problem(worst, SETTINGS) and not mask_problem(worst, loose)


def test_background_is_washed_over_and_the_subject_stays() -> None:
    picture, mask = Image.new("RGB", (20, 10), (10, 200, 30)), Image.new("L", (40, 20), 0)
    mask.paste(255, (0, 0, 20, 20))
    levels = np.asarray(washed(picture, mask)).astype(int)
    assert (levels[:, :9] == (10, 200, 30)).all()
    assert (levels[:, 12:, 1] < 100).all()


def test_the_sheet_shows_the_doubted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[mask_sheet.Cell] = []

    def keep(drawn: list[mask_sheet.Cell], photos: int, title: str) -> Image.Image:
        cells.extend(drawn)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(mask_sheet, "draw_photos", keep)
    monkeypatch.setattr(mask_sheet, "load_thumbnail", lambda cache, photo, folder: Image.new("RGB", (60, 40)))
    masks = {"a": mask_row(), "b": mask_row("b", looks=0.2), "c": mask_row("c", source="supplied")}
    masks["d"] = mask_row("d", x0=None)
    for name in masks:
        Image.new("L", (60, 40), 255).save(tmp_path / f"{name}.png")
    problems = {"b": "seen otherwise"}
    selection = [verdict(name, path=f"x/{name}.jpg", mask_problem=problems.get(name, "")) for name in masks]
    draw_masks(selection, masks, {name: photo_file(name) for name in masks}, (tmp_path, tmp_path), Cache(tmp_path))
    assert [cell.lines[0] for cell in cells] == ["b.jpg", "a.jpg", "c.jpg", "d.jpg"]
    assert cells[0].lines[1] == "seen otherwise"
    assert [cell.border for cell in cells] == [mask_sheet.AMBER, mask_sheet.GREEN, mask_sheet.GREY, mask_sheet.RED]
