"""The picture of all groups of duplicates: the kept photo first, the others behind it with their kind."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from darkroom.contracts.duplicate_table import Relation
from darkroom.imaging.contact_sheet import AMBER, GREEN, PHOTO_COLUMNS, PHOTO_SIDE, Cell, draw_sheet, reduced, rows_of
from darkroom.photo_folder.photo_table import PhotoFile

# A JPEG holds 65,535 rows of pixels.
MOST_ROWS = 250


def draw_duplicates(
    rows: Sequence[Relation], photos: Mapping[str, PhotoFile], load: Callable[[PhotoFile], Image.Image]
) -> Image.Image:
    """Draw the rows of duplicates.csv, a group after the other, the largest first.

    Green is kept; amber is a copy or a shot of the same burst, with its kind and, where it is cropped, how much of the
    original it shows. `load` gives a photo's thumbnail. Of more than MOST_ROWS rows the first are shown, and the title
    says so.
    """
    groups: dict[str, list[Relation]] = defaultdict(list)
    for row in rows:
        if row.group:
            groups[row.group].append(row)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    lines: list[list[Cell]] = []
    shown = 0
    for group, members in ordered:
        members = sorted(members, key=lambda row: (row.photo != group, row.kind, row.photo))
        below = rows_of([_cell(row, photos[row.photo], load) for row in members], PHOTO_COLUMNS)
        if len(lines) + len(below) > MOST_ROWS:
            break
        lines += below
        shown += 1
    title = f"{len(groups)} group{'s' * (len(groups) != 1)}, {sum(map(len, groups.values()))} of {len(rows)} photos"
    if shown < len(groups):
        title += f"; {shown} groups are shown"
    return draw_sheet(lines, PHOTO_SIDE, title=[title if groups else "no duplicates"])


def _cell(row: Relation, photo: PhotoFile, load: Callable[[PhotoFile], Image.Image]) -> Cell:
    picture = reduced(load(photo), PHOTO_SIDE)
    name = photo.path.rpartition("/")[2]
    size = f"{photo.width} x {photo.height}"
    if not row.kind:
        return Cell(picture, (name, size, "kept"), GREEN)
    share = f" {row.overlap:.0%}" if row.kind == "cropped" else ""
    return Cell(picture, (name, size, f"{row.kind}{share}"), AMBER)
