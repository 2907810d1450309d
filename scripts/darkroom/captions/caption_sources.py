"""Who describes a photo: the user's overrides first, then a sidecar beside the photo, then the captioner."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import UserError
from darkroom.overrides import Override
from darkroom.photo_paths import found_path
from darkroom.tables import Row

LONGEST_SIDECAR = 1_000_000  # bytes; a larger text file is no caption


@dataclass(frozen=True)
class Description:
    """What is said of a photo and who says it: `override`, `sidecar` or `captioner`."""

    text: str
    source: str


def read_sidecars(photos: Iterable[Row], folder: Path) -> dict[str, str]:
    """The text of each sidecar by photo. Where a photo has several, the first in sorted order that says anything."""
    rows = list(photos)
    ids = {row["path"]: row["photo"] for row in rows if row["status"] in ("ok", "identical")}
    texts: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["path"]):
        photo = ids.get(row["of_path"]) if row["status"] == "sidecar" else None
        if photo is None or photo in texts:
            continue
        try:
            with found_path(folder, row["path"]).open("rb") as file:
                text = file.read(LONGEST_SIDECAR).decode("utf-8-sig", errors="replace").strip()
        except OSError as error:
            raise UserError(f"{folder / row['path']}: the sidecar cannot be read ({error.strerror})") from None
        if text:
            texts[photo] = text
    return texts


def describe_photos(
    photos: Iterable[str], captions: Iterable[Row], sidecars: Mapping[str, str], overrides: Mapping[str, Override]
) -> dict[str, Description]:
    """The description of each photo.

    Raises UserError that names the photos for which nobody says anything: training on them would lose the trigger.
    """
    machine = {row["photo"]: row["caption"].strip() for row in captions}
    found, silent = {}, []
    for photo in photos:
        override = overrides.get(photo)
        if override is not None and override.caption:
            found[photo] = Description(override.caption, "override")
        elif photo in sidecars:
            found[photo] = Description(sidecars[photo], "sidecar")
        elif machine.get(photo):
            found[photo] = Description(machine[photo], "captioner")
        else:
            silent.append(photo)
    if silent:
        raise UserError(
            f"captions: {len(silent)} photos have no or an empty caption ({', '.join(silent[:5])}); "
            "write one in overrides.csv or in a .txt beside the photo"
        )
    return found
