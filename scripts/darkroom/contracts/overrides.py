"""The user's own decisions: a CSV that always wins, read by select, crop and rewrite only."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import UserError
from darkroom.photo_folder.photo_table import PhotoFile, readable_photos

COLUMNS = ("photo", "keep", "box", "caption")
ANSWERS = {"true": True, "yes": True, "keep": True, "1": True, "false": False, "no": False, "drop": False, "0": False}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Override:
    """What a user decided about one photo; None where a cell is empty. The box is x0, y0, x1, y1 in opened pixels."""

    keep: bool | None = None
    box: Box | None = None
    caption: str | None = None


def read_overrides(path: Path | None, files: Iterable[PhotoFile]) -> dict[str, Override]:
    """Read overrides by photo id. `files` are those of photos.csv, which say what a file name means.

    Raises UserError, one line that names the file and the line, for an unknown column, a photo that is not there, a
    file name that several photos share, a photo named twice, or a cell that cannot be read.
    """
    if path is None:
        return {}
    files = list(files)
    names, photos = _ids_by_name(files), readable_photos(files)
    overrides: dict[str, Override] = {}
    for line, cells in _lines(path):
        where = f"{path}: line {line}"
        ids = names.get(cells["photo"], set())
        if len(ids) != 1:
            problem = "matches no readable photo" if not ids else "is the name of several photos; write the path or id"
            raise UserError(f"{where}: '{cells['photo']}' {problem}")
        photo = next(iter(ids))
        if photo in overrides:
            raise UserError(f"{where}: '{cells['photo']}' has a line already; write one line per photo")
        box = _box(cells["box"], where, photos[photo].size)
        overrides[photo] = Override(_keep(cells["keep"], where), box, cells["caption"] or None)
    return overrides


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The cells of each row by column, none missing, with the number of the line where it begins."""
    try:
        # Excel begins UTF-8 with a mark. Unless it is strict, a quote that is never closed takes in all that follows.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            line = 1
            try:
                header = _header(next(reader, []), path)
                line = reader.line_num + 1
                for row in reader:
                    if any(row):
                        yield line, _cells(row, header, f"{path}: line {line}")
                    line = reader.line_num + 1
            except csv.Error as error:
                raise UserError(
                    f"{path}: line {line}: {error}; put a caption with quotes in double quotes and double those within"
                ) from None
    except FileNotFoundError:
        raise UserError(f"overrides: there is no file {path}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save it as a CSV in UTF-8") from None


def _header(found: Sequence[str], path: Path) -> list[str]:
    header = [column.strip() for column in found]
    if "photo" not in header or not set(header) <= set(COLUMNS) or len(set(header)) < len(header):
        raise UserError(
            f"{path}: its columns must be among {', '.join(COLUMNS)}, each once, with photo (found {header})"
        )
    return header


def _cells(row: Sequence[str], header: Sequence[str], where: str) -> dict[str, str]:
    if len(row) > len(header):
        raise UserError(f"{where} has more fields than the header; put a caption with commas in double quotes")
    there = dict(zip(header, row, strict=False))
    return {column: there.get(column, "").strip() for column in COLUMNS}


def _ids_by_name(files: Iterable[PhotoFile]) -> dict[str, set[str]]:
    """Every name a user may write for a photo (id, relative path, file name) and the ids it means."""
    names: dict[str, set[str]] = {}
    for file in files:
        if file.status in ("ok", "identical"):
            for name in (file.photo, file.path, Path(file.path).name):
                names.setdefault(name, set()).add(file.photo)
    return names


def _keep(text: str, where: str) -> bool | None:
    if not text:
        return None
    if text.lower() not in ANSWERS:
        raise UserError(f"{where}: keep is '{text}'; write true or false, or leave it empty")
    return ANSWERS[text.lower()]


def _box(text: str, where: str, size: tuple[int, int]) -> Box | None:
    if not text:
        return None
    try:
        x0, y0, x1, y1 = (float(number) for number in text.replace(",", " ").split())
    except ValueError:
        raise UserError(f"{where}: box is '{text}'; write four numbers, x0 y0 x1 y1, in pixels") from None
    width, height = size
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise UserError(
            f"{where}: box is '{text}'; x0 must be less than x1 and y0 less than y1, none below 0 nor beyond the "
            f"photo, which is {width} x {height}"
        )
    return x0, y0, x1, y1
