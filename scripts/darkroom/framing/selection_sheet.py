"""The contact sheet of a selection: kept photos first, then the rejected with their reasons."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from PIL import Image

from darkroom.cache import Cache
from darkroom.contact_sheet import AMBER, GREEN, RED, Cell, draw_sheet, reduced, rows_of
from darkroom.framing.selection import count_reasons
from darkroom.tables import Row
from darkroom.thumbnails import load_thumbnail

COLUMNS, SIDE = 8, 170
# A JPEG holds 65,535 rows of pixels; a sheet that people look at holds far fewer photos.
MOST_CELLS = 1200


def draw_selection(
    rows: Sequence[Mapping[str, object]], photos: Mapping[str, Row], folder: Path, cache: Cache
) -> Image.Image:
    """Draw the contact sheet of the rows of selection.csv.

    Green: kept, with its split; amber: a copy or a shot of a burst; red: not good enough. Of more than MOST_CELLS
    photos the first are shown, and the title says so.
    """
    kept = sorted((row for row in rows if row["selected"]), key=lambda row: str(row["path"]))
    rejected = sorted((row for row in rows if not row["selected"]), key=lambda row: (str(row["reason"]), row["path"]))
    shown = [*kept[: MOST_CELLS - min(len(rejected), MOST_CELLS // 2)], *rejected]
    cells = []
    for row in shown[:MOST_CELLS]:
        name = str(row["photo"])
        picture = load_thumbnail(cache, photos[name], folder)
        cells.append(Cell(reduced(picture, SIDE), (PurePath(str(row["path"])).name, *_verdict(row)), _border(row)))
    title = f"{len(kept)} of {len(rows)} photos kept"
    if rejected:
        title += f"; rejected: {count_reasons(str(row['reason']) for row in rejected)}"
    if len(cells) < len(rows):
        title += f"; {len(cells)} are shown"
    return draw_sheet(rows_of(cells, COLUMNS), SIDE, title=[title])


def _verdict(row: Mapping[str, object]) -> list[str]:
    split = {"held_out": "held out", "train": "train"}.get(str(row["split"]), "")
    return [text for text in (split, str(row["reason"])) if text]


def _border(row: Mapping[str, object]) -> tuple[int, int, int]:
    if row["selected"]:
        return GREEN
    return AMBER if str(row["reason"]).startswith(("duplicate", "burst")) else RED
