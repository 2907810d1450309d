"""Which photo each text file of the photos folder belongs to."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from darkroom.photo_folder.photo_table import PhotoFile


def name_sidecars(files: Sequence[PhotoFile]) -> list[PhotoFile]:
    """Give each text file the photo beside it of the same stem; one without a readable photo is `unsupported`.

    Where several photos share the stem (a.jpg, a.png), the first path in sorted order has it.
    """
    photos: dict[PurePath, str] = {}
    for file in sorted(files, key=lambda file: file.path):
        if file.status in ("ok", "identical"):
            photos.setdefault(PurePath(file.path).with_suffix(""), file.path)
    return [_named(file, photos) if file.status == "sidecar" else file for file in files]


def _named(sidecar: PhotoFile, photos: dict[PurePath, str]) -> PhotoFile:
    photo = photos.get(PurePath(sidecar.path).with_suffix(""))
    if photo is None:
        reason = "a text, and no readable photo of the same name beside it"
        return replace(sidecar, status="unsupported", reason=reason)
    return replace(sidecar, of_path=photo, reason=f"caption of {photo}")
