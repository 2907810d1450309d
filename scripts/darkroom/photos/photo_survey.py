"""The survey: what each file of the photos folder is, one row per file."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from darkroom.config.photos import OpeningSettings
from darkroom.errors import UserError
from darkroom.imaging import thumbnails as thumbnails_module
from darkroom.imaging.open_photo import PhotoError, open_photo
from darkroom.imaging.photo_error import OVERWRITTEN
from darkroom.imaging.thumbnails import ENOUGH, store_thumbnail
from darkroom.jobs.crash_isolation import Crash, in_own_process
from darkroom.jobs.progress import progress
from darkroom.photo_folder.index import SIDECAR_SUFFIXES, IndexedFile
from darkroom.photo_folder.path_text import found_path
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key
from darkroom.storage.code_version import code_version

Examined = tuple[dict[str, Any], bool]
# What decides a row: for `code_version`.
MODULES = (*thumbnails_module.MODULES, sys.modules[__name__])


def examine_file(path: Path, sha256: str, settings: OpeningSettings, thumbnails: Cache) -> Examined:
    """Open one file and say what it is: status, reason, size as opened, format, capture time, JPEG quality, bytes.

    Returns that and whether it will ever be so: bytes that cannot be read now may be read another time.
    The thumbnail of a readable photo is kept on the way, so that later stages need not decode it again.
    """
    try:
        photo = open_photo(path, settings.max_megapixels, ENOUGH, sha256)
    except PhotoError as error:
        return _refused(error.status, error.reason), not error.passing
    if not sha256:
        return _refused(
            "unreadable", "could not be read when the folder was listed, but can be now; start again"
        ), False
    store_thumbnail(thumbnails, sha256, photo.picture)
    found = {
        **{"status": "ok", "reason": "", "width": photo.size[0], "height": photo.size[1], "format": photo.format},
        **{"taken_at": photo.taken_at, "jpeg_quality": photo.jpeg_quality, "bytes": photo.file_bytes},
    }
    return found, True


def _refused(status: str, reason: str) -> dict[str, Any]:
    return {"status": status, "reason": reason}


def survey_files(
    files: Iterable[IndexedFile], folder: Path, settings: OpeningSettings, cache: Path
) -> tuple[list[PhotoFile], int]:
    """One row of photos.csv per file, and how many files were opened rather than remembered.

    Equal bytes are one photo: the first path in sorted order has it, the others are `identical` to that path. Text
    files are `sidecar` candidates; which photo they belong to is decided over all shards by `name_sidecars`. Files are
    opened in a process of their own, because some damaged ones crash their decoder.

    Raises UserError, when all are opened, where one was overwritten: its row would stay once its old bytes are back.
    """
    survey_cache, thumbnails = Cache(cache / "survey"), Cache(cache / "thumbnails")
    version = code_version(*MODULES)
    rows, opened = [], 0
    kept: dict[str, str] = {}
    with in_own_process(examine_file) as examine:
        for file in progress(sorted(files, key=lambda file: file.path), "survey", "files"):
            # The suffix is part of the key because it is part of the reason.
            suffix = PurePath(file.path).suffix.lower()
            parts = {"file": file.sha256, "suffix": suffix, "settings": settings.to_argument(), "code": version}
            key = cache_key(stage="survey", **parts)
            value = _unopened(file, suffix) or (survey_cache.load(key) if file.sha256 else None)
            if value is None:
                value, lasting = _examined(examine, found_path(folder, file.path), file.sha256, settings, thumbnails)
                opened += 1
                if file.sha256 and lasting:
                    survey_cache.store(key, value)
            row = PhotoFile(path=file.path, photo=file.photo, sha256=file.sha256, of_path="", **value)
            first = kept.setdefault(file.sha256, file.path) if row.status == "ok" else file.path
            if first != file.path:
                row = replace(row, status="identical", of_path=first, reason=f"the same bytes as {first}")
            rows.append(row)
    _refuse_overwritten([row.path for row in rows if row.reason == OVERWRITTEN], folder)
    return rows, opened


def _refuse_overwritten(paths: Sequence[str], folder: Path) -> None:
    if paths:
        more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
        raise UserError(f"{folder / paths[0]}: {OVERWRITTEN}{more}; start again")


def _unopened(file: IndexedFile, suffix: str) -> dict[str, Any] | None:
    """What is said of a file that is not opened; None for the others."""
    if file.reason:
        return _refused(file.status, file.reason)
    return _refused("sidecar", "") if suffix in SIDECAR_SUFFIXES and file.sha256 else None


def _examined(examine: Callable[..., Examined], *arguments: Any) -> Examined:
    try:
        return examine(*arguments)
    except Crash as crash:
        return _refused("unreadable", f"damaged picture ({crash} in its decoder)"), False
