"""What lies in a folder: every file, and for each one that is not opened the reason why."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from darkroom.photo_folder.path_text import path_text

NOTES = {"thumbs.db": "Windows", "ehthumbs.db": "Windows", "desktop.ini": "Windows", ".ds_store": "macOS"}
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Found(NamedTuple):
    """A file found: its path as text, relative to the folder, and its stat.

    One that is not opened has no stat, but a status (`unreadable` or `unsupported`) and a reason. So has a folder into
    which nobody can look; its path ends in a slash.
    """

    path: str
    stat: os.stat_result | None
    status: str = ""
    reason: str = ""


def find_files(folder: Path) -> Iterator[Found]:
    """Every file below a folder, in no order. Nothing is opened, links to folders are not followed.

    Raises OSError where the folder itself cannot be listed.
    """
    pending = [("", os.fspath(folder))]
    while pending:
        prefix, place = pending.pop()
        try:
            with os.scandir(place) as listing:
                entries = list(listing)
        except FileNotFoundError:
            if not prefix:
                raise
            continue
        except OSError as error:
            if not prefix:
                raise
            yield Found(prefix, None, "unreadable", f"the folder cannot be listed ({error.strerror})")
            continue
        for entry in entries:
            path = prefix + path_text(entry.name)
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                pending.append((f"{path}/", entry.path))
            else:
                found = _look(entry, path)
                if found is not None:
                    yield found


def _look(entry: os.DirEntry[str], path: str) -> Found | None:
    """A file or link, or a hidden folder, as it is now; None where it has gone meanwhile."""
    passed = _passed_over(entry)
    if passed is not None:
        return Found(f"{path}/" if entry.is_dir(follow_symlinks=False) else path, None, "unsupported", passed)
    try:
        status = entry.stat()
    except OSError as error:
        if entry.is_symlink():
            where = {errno.ELOOP: "in a circle", errno.ENOENT: "nowhere"}
            lead = where.get(error.errno or 0, f"where nobody can look ({error.strerror})")
            return Found(path, None, "unreadable", f"a link that leads {lead}")
        if isinstance(error, FileNotFoundError):
            return None
        return Found(path, None, "unreadable", f"the file cannot be looked at ({error.strerror})")
    if stat.S_ISREG(status.st_mode):
        return Found(path, status)
    if stat.S_ISDIR(status.st_mode):
        return Found(path, None, "unsupported", "a link to a folder, which is not followed; put the folder itself here")
    kind = KINDS.get(stat.S_IFMT(status.st_mode), "no file")
    return Found(path, None, "unsupported", f"{kind}, which is never opened")


def _passed_over(entry: os.DirEntry[str]) -> str | None:
    """Why a file is not even looked at, by its name; None for all others."""
    name = entry.name.lower()
    if name in NOTES:
        return f"written by {NOTES[name]} for its own use, not a photo"
    if name.startswith("._"):
        return "written by macOS beside another file, not a photo"
    if name.startswith("."):
        return "hidden; rename it without the dot at the front to use it"
    return None
