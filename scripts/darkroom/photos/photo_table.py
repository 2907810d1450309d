"""The table of all files found, photos.csv, and which photo each text file in it belongs to."""

from collections.abc import Sequence
from pathlib import PurePath

from darkroom.storage.tables import Row

COLUMNS = (
    *("path", "photo", "sha256", "status", "reason", "of_path"),
    *("width", "height", "format", "taken_at", "jpeg_quality", "bytes"),
)


def name_sidecars(rows: Sequence[Row]) -> list[Row]:
    """Give each text file the photo beside it of the same stem; one without a readable photo is `unsupported`.

    Where several photos share the stem (a.jpg, a.png), the first path in sorted order has it.
    """
    photos: dict[PurePath, str] = {}
    for row in sorted(rows, key=lambda row: row["path"]):
        if row["status"] in ("ok", "identical"):
            photos.setdefault(PurePath(row["path"]).with_suffix(""), row["path"])
    named = []
    for row in rows:
        if row["status"] == "sidecar":
            photo = photos.get(PurePath(row["path"]).with_suffix(""))
            if photo is None:
                reason = "a text, and no readable photo of the same name beside it"
                row = row | {"status": "unsupported", "reason": reason}
            else:
                row = row | {"of_path": photo, "reason": f"caption of {photo}"}
        named.append(row)
    return named
