"""Who describes a photo: the user's overrides first, then a sidecar beside the photo, then the captioner."""

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from darkroom.contracts.overrides import Override
from darkroom.errors import UserError
from darkroom.imaging.photo_error import OVERWRITTEN
from darkroom.photo_folder.path_text import found_path
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_open

LONGEST_SIDECAR = 1_000_000  # bytes; a larger text file is no caption


@dataclass(frozen=True)
class Description:
    """What is said of a photo and who says it: `override`, `sidecar` or `captioner`."""

    text: str
    source: str


def read_sidecars(files: Iterable[PhotoFile], folder: Path) -> dict[str, str]:
    """The text of each sidecar by photo. Where a photo has several, the first in sorted order that says anything.

    A file that holds no text is left out; `unread_sidecars` tells it.
    """
    texts: dict[str, str] = {}
    for photo, sidecar in _sidecars(files):
        text = "" if photo in texts else _read(folder, sidecar)
        if text:
            texts[photo] = text
    return texts


def unread_sidecars(files: Iterable[PhotoFile], folder: Path) -> dict[str, str]:
    """The photo of each sidecar that holds no text in UTF-8 or UTF-16, by the path of the sidecar."""
    return {sidecar.path: photo for photo, sidecar in _sidecars(files) if _read(folder, sidecar) is None}


def _sidecars(files: Iterable[PhotoFile]) -> list[tuple[str, PhotoFile]]:
    """Photo and file of each sidecar, in the order of the paths."""
    files = sorted(files, key=lambda file: file.path)
    ids = {file.path: file.photo for file in files if file.status in ("ok", "identical")}
    of_path = [(ids.get(file.of_path), file) for file in files if file.status == "sidecar"]
    return [(photo, file) for photo, file in of_path if photo is not None]


def _read(folder: Path, sidecar: PhotoFile) -> str | None:
    """The text of a sidecar, None where its bytes are no text: other words than the user's would be trained on.

    Raises UserError where it cannot be read or does not hold the bytes that the survey saw.
    """
    path = folder / sidecar.path
    try:
        with found_path(folder, sidecar.path).open("rb") as file:
            data = file.read(LONGEST_SIDECAR)
            sha256 = sha256_open(file)
    except OSError as error:
        raise UserError(f"{path}: the sidecar cannot be read ({error.strerror})") from None
    if sha256 != sidecar.sha256:
        raise UserError(f"{path}: {OVERWRITTEN}; put back what was there before, or start again")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        # Not final where the file is longer: its last sign may be cut in two.
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=len(data) < LONGEST_SIDECAR)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.strip()


def describe_photos(
    photos: Iterable[str], machine: Mapping[str, str], sidecars: Mapping[str, str], overrides: Mapping[str, Override]
) -> dict[str, Description]:
    """The description of each photo; `machine` holds the captioner's answer for every one, empty where it gave none.

    Raises UserError that names the photos for which nobody says anything: training on them would lose the trigger.
    """
    found, silent = {}, []
    for photo in photos:
        override = overrides.get(photo)
        if override is not None and override.caption:
            found[photo] = Description(override.caption, "override")
        elif photo in sidecars:
            found[photo] = Description(sidecars[photo], "sidecar")
        elif machine[photo].strip():
            found[photo] = Description(machine[photo].strip(), "captioner")
        else:
            silent.append(photo)
    if silent:
        raise UserError(
            f"captions: {len(silent)} photos have an empty caption ({', '.join(silent[:5])}); "
            "write one in overrides.csv or in a .txt beside the photo"
        )
    return found
