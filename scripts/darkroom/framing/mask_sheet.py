"""The sheet of masks: every photo with its background washed over, and why a mask is not trusted."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from darkroom.contracts.selection_table import Verdict
from darkroom.framing.supplied_masks import SUPPLIED
from darkroom.framing.tables import MaskRow
from darkroom.imaging.contact_sheet import (
    AMBER,
    GREEN,
    GREY,
    MOST_PHOTOS,
    PHOTO_SIDE,
    RED,
    Cell,
    Colour,
    draw_photos,
    reduced,
)
from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache

# What is not subject is washed over with a colour that photos hardly have; so much of the photo shines through.
WASH: Colour = (230, 0, 200)
SHINING_THROUGH = 0.4


def washed(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """A picture whose background, where its mask (8-bit, of any size) is dark, is washed over."""
    kept = np.asarray(mask.resize(picture.size, Image.Resampling.BILINEAR), np.float32)[..., None] / 255
    kept = SHINING_THROUGH + (1 - SHINING_THROUGH) * kept
    levels = np.asarray(picture, np.float32) * kept + np.array(WASH, np.float32) * (1 - kept)
    return Image.fromarray(levels.round().astype(np.uint8))


def draw_masks(
    selection: Sequence[Verdict],
    masks: Mapping[str, MaskRow],
    photos: Mapping[str, PhotoFile],
    folders: tuple[Path, Path],
    cache: Cache,
) -> Image.Image:
    """Draw the sheet of all rows of selection.csv; `folders` are those of the masks and of the photos.

    Amber: not trusted, with the reason, these first; green: trusted; grey: the user's own; red: no subject. Of more
    than MOST_PHOTOS photos the first are shown, and the title says so.
    """
    rows = sorted(selection, key=lambda row: (not row.mask_problem, row.path))
    cells = []
    for row in rows[:MOST_PHOTOS]:
        picture = reduced(load_thumbnail(cache, photos[row.photo], folders[1]), PHOTO_SIDE)
        with Image.open(folders[0] / f"{row.photo}.png") as mask:
            picture = washed(picture, mask)
        numbers = masks[row.photo]
        lines = (PurePath(row.path).name, row.mask_problem or _numbers(numbers))
        cells.append(Cell(picture, lines, _border(row, numbers)))
    trusted = sum(not row.mask_problem for row in rows)
    title = f"masks trusted {trusted}/{len(rows)}; a photo whose mask is not is used with loss weight 1 everywhere"
    return draw_photos(cells, len(rows), title)


def _numbers(numbers: MaskRow) -> str:
    """The numbers on which trust rests."""
    if numbers.source == SUPPLIED:
        return "your own"
    shown = {"agreement": numbers.agreement, "looks": numbers.looks, "expected": numbers.expected}
    return ", ".join(f"{name} {number:.2f}" for name, number in shown.items() if number is not None)


def _border(row: Verdict, numbers: MaskRow) -> Colour:
    if numbers.box is None:
        return RED
    if numbers.source == SUPPLIED:
        return GREY
    return AMBER if row.mask_problem else GREEN
