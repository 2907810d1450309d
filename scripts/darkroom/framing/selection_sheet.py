"""The contact sheet of a selection: kept photos first, then the rejected with their reasons."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from PIL import Image

from darkroom.contracts.selection_table import Verdict
from darkroom.framing.selection import count_reasons
from darkroom.imaging.contact_sheet import AMBER, GREEN, GREY, MOST_PHOTOS, PHOTO_SIDE, RED, Cell, draw_photos, reduced
from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache


def draw_selection(rows: Sequence[Verdict], photos: Mapping[str, PhotoFile], folder: Path, cache: Cache) -> Image.Image:
    """Draw the contact sheet of the rows of selection.csv.

    Green: kept, with its split; amber: a copy or a shot of a burst; grey: not among the best; red: not good enough.
    Of more than MOST_PHOTOS photos the first are shown, and the title says so.
    """
    kept = sorted((row for row in rows if row.selected), key=lambda row: row.path)
    rejected = sorted((row for row in rows if not row.selected), key=lambda row: (row.reason, row.path))
    shown = [*kept[: MOST_PHOTOS - min(len(rejected), MOST_PHOTOS // 2)], *rejected]
    cells = []
    for row in shown[:MOST_PHOTOS]:
        picture = load_thumbnail(cache, photos[row.photo], folder)
        cells.append(Cell(reduced(picture, PHOTO_SIDE), (PurePath(row.path).name, *_lines(row)), _border(row)))
    title = f"{len(kept)} of {len(rows)} photos kept"
    if rejected:
        title += f"; rejected: {count_reasons(row.reason for row in rejected)}"
    return draw_photos(cells, len(rows), title)


def _lines(row: Verdict) -> list[str]:
    return [text for text in (row.split.replace("_", " "), row.reason) if text]


def _border(row: Verdict) -> tuple[int, int, int]:
    if row.selected:
        return GREEN
    if row.reason.startswith("not among"):
        return GREY
    return AMBER if row.reason.startswith(("duplicate", "burst")) else RED
