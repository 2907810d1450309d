"""The user's own decisions: a CSV that always wins, read by select, crop and rewrite only."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import UserError
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.tables import read_table

COLUMNS = ("photo", "keep", "box", "caption")
ANSWERS = {"true": True, "yes": True, "keep": True, "1": True, "false": False, "no": False, "drop": False, "0": False}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Override:
    """What a user decided about one photo; None where a cell is empty. The box is x0, y0, x1, y1 in opened pixels."""

    keep: bool | None = None
    box: Box | None = None
    caption: str | None = None


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


def _box(text: str, where: str) -> Box | None:
    if not text:
        return None
    try:
        x0, y0, x1, y1 = (float(number) for number in text.replace(",", " ").split())
    except ValueError:
        raise UserError(f"{where}: box is '{text}'; write four numbers, x0 y0 x1 y1, in pixels") from None
    if not (0 <= x0 < x1 and 0 <= y0 < y1):
        raise UserError(f"{where}: box is '{text}'; x0 must be less than x1 and y0 less than y1, none below 0")
    return x0, y0, x1, y1


def read_overrides(path: Path | None, files: Iterable[PhotoFile]) -> dict[str, Override]:
    """Read overrides by photo id. `files` are those of photos.csv, which say what a file name means.

    Raises UserError, one line that names the file and the line, for an unknown column, a photo that is not there, a
    file name that several photos share, a photo named twice, or a cell that cannot be read.
    """
    if path is None:
        return {}
    try:
        rows = read_table(path)
    except FileNotFoundError:
        raise UserError(f"overrides: there is no file {path}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save it as a CSV in UTF-8") from None
    names = _ids_by_name(files)
    overrides: dict[str, Override] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{path}: line {number}"
        if any(column is None for column in row):
            raise UserError(f"{where} has more fields than the header; put a caption with commas in double quotes")
        unknown = [str(column) for column in row if column not in COLUMNS]
        if unknown or "photo" not in row:
            raise UserError(f"{path}: its columns must be among {', '.join(COLUMNS)}, with photo (found {list(row)})")
        cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
        ids = names.get(cells["photo"], set())
        if len(ids) != 1:
            problem = "matches no readable photo" if not ids else "is the name of several photos; write the path or id"
            raise UserError(f"{where}: '{cells['photo']}' {problem}")
        photo = next(iter(ids))
        if photo in overrides:
            raise UserError(f"{where}: '{cells['photo']}' has a line already; write one line per photo")
        overrides[photo] = Override(_keep(cells["keep"], where), _box(cells["box"], where), cells["caption"] or None)
    return overrides
