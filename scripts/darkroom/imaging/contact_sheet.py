"""Sheets of labelled pictures: the contact sheet of a selection, the grid of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

PAPER: Colour = (250, 250, 248)
INK: Colour = (30, 30, 30)
EMPTY: Colour = (225, 225, 222)
GREEN: Colour = (46, 140, 76)
RED: Colour = (196, 62, 50)
AMBER: Colour = (222, 150, 30)
GREY: Colour = (150, 150, 150)
GAP = 8
BORDER = 4
# Sheets of photos. A JPEG holds 65,535 rows of pixels; a sheet that people look at holds far fewer photos.
PHOTO_COLUMNS, PHOTO_SIDE, MOST_PHOTOS = 8, 170, 1200


@dataclass(frozen=True)
class Cell:
    """A picture (None leaves the place empty), the lines of text under it and the colour of its border."""

    picture: Image.Image | None
    lines: Sequence[str] = ()
    border: Colour | None = None


def reduced(picture: Image.Image, side: int) -> Image.Image:
    """A picture no larger than its cell: so many thumbnails of their own size fill most of a gigabyte."""
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def rows_of(cells: Sequence[Cell], columns: int) -> list[list[Cell]]:
    """Break a list of cells into rows."""
    return [list(cells[start : start + columns]) for start in range(0, len(cells), columns)]


def draw_photos(cells: Sequence[Cell], photos: int, title: str) -> Image.Image:
    """Draw a sheet of photos under a title, which says so where there are more `photos` than cells."""
    if len(cells) < photos:
        title += f"; {len(cells)} are shown"
    return draw_sheet(rows_of(cells, PHOTO_COLUMNS), PHOTO_SIDE, title=[title])


def draw_sheet(
    rows: Sequence[Sequence[Cell]],
    side: int,
    *,
    title: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    font_size: int = 13,
) -> Image.Image:
    """Draw rows of cells, each picture fitted into a square of `side` pixels, with labels at the top and the left.

    Small pictures are enlarged without smoothing up to the cell, so that pixels stay pixels; large ones are reduced.
    Lines wider than a cell are wrapped. Returns an RGB picture.
    """
    font = ImageFont.load_default(size=font_size)
    line_height = font_size + 4
    label_width = max((round(font.getlength(_clean(label))) for label in row_labels), default=-GAP)
    label_width = min(label_width, 2 * side)
    step = side + 2 * BORDER
    columns = max([len(row) for row in rows] + [len(column_labels)], default=0)
    width = max(GAP + (label_width + GAP) + columns * (step + GAP), 2 * side)
    titles = [line for text in title for line in _wrap(text, font, width - 2 * GAP)]
    heads = [_wrap(label, font, step) for label in column_labels]
    left = [_wrap(label, font, label_width) for label in row_labels] + [[]] * len(rows)
    texts = [[[line for text in cell.lines for line in _wrap(text, font, step)] for cell in row] for row in rows]
    between = 2 * GAP if titles and heads else 0
    top = 2 * GAP + between + (len(titles) + max((len(head) for head in heads), default=0)) * line_height
    heights = [step + max((len(lines) for lines in row), default=0) * line_height + GAP for row in texts]

    sheet = Image.new("RGB", (width, top + sum(heights) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (GAP, GAP), titles, font, line_height)
    first = GAP + label_width + GAP
    for column, head in enumerate(heads):
        head_top = top - GAP - len(head) * line_height
        _write(draw, (first + column * (step + GAP), head_top), head, font, line_height)
    y = top
    for number, row in enumerate(rows):
        _write(draw, (GAP, y + step // 2 - line_height * len(left[number]) // 2), left[number], font, line_height)
        for column, cell in enumerate(row):
            x = first + column * (step + GAP)
            _paste(sheet, draw, cell, (x, y), side)
            _write(draw, (x, y + step + 2), texts[number][column], font, line_height)
        y += heights[number]
    return sheet


def _paste(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, corner: tuple[int, int], side: int) -> None:
    x, y = corner
    step = side + 2 * BORDER
    draw.rectangle((x, y, x + step - 1, y + step - 1), fill=cell.border or EMPTY)
    draw.rectangle((x + BORDER, y + BORDER, x + step - BORDER - 1, y + step - BORDER - 1), fill=EMPTY)
    if cell.picture is None:
        return
    scale = min(side / cell.picture.width, side / cell.picture.height)
    size = (max(1, round(cell.picture.width * scale)), max(1, round(cell.picture.height * scale)))
    resampling = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    picture = cell.picture.convert("RGB").resize(size, resampling)
    sheet.paste(picture, (x + BORDER + (side - size[0]) // 2, y + BORDER + (side - size[1]) // 2))


def _clean(text: str) -> str:
    """File names may hold newlines and unpaired surrogates; a sheet shows them as spaces and question marks."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())


def _wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """Break text at spaces, and inside words where a word alone is too wide."""
    lines = [""]
    for word in _clean(text).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


def _write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    lines: Sequence[str],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    line_height: int,
) -> None:
    for number, line in enumerate(lines):
        draw.text((corner[0], corner[1] + number * line_height), line, fill=INK, font=font)
