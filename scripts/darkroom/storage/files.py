"""Files written whole or not at all, in canonical bytes, and hashed."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from darkroom.storage.process_identity import this_process

# A hidden name that says which process writes the file, so that a later run knows whose writer has ended.
TEMPORARY_NAME = re.compile(r"\..*\.([0-9a-f]{8}-\d+-\d*)-[a-z0-9_]{8}(?:\.[^.]*)?$")


@contextlib.contextmanager
def replacing(path: Path, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` and move it there when the block ends without an error.

    The bytes are on the disk before the name is: after a power loss the file is whole, old or missing. Without `sync`,
    which takes a millisecond, it may also be damaged then. An OSError names `path` where it names no file itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        prefix = f".{path.name[:40]}.{this_process()}-"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        with naming(path):
            yield temporary
            temporary.chmod(0o644)
            if sync:
                _sync(temporary)
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError that names no file, or a hidden one beside `path`, name `path`."""
    try:
        yield
    except OSError as error:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        if not names or any(TEMPORARY_NAME.match(Path(name).name) for name in names):
            error.filename, error.filename2 = str(path), None
        raise


def _sync(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_bytes(path: Path, data: bytes, sync: bool = True) -> None:
    """Write a file whole or not at all; `sync` as in `replacing`."""
    with replacing(path, sync) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, two spaces of indent and a final newline."""
    write_text(path, json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256_bytes(data: bytes) -> str:
    """The sha256 of some bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hex digits, read in pieces."""
    with path.open("rb") as file:
        return sha256_open(file)


def sha256_open(file: BufferedReader) -> str:
    """The sha256 of an open file's bytes as they are now, as 64 hex digits, read in pieces from its beginning.

    Past the buffer, which would give bytes of before where another process has written.
    """
    raw: Any = file.raw
    raw.seek(0)
    return hashlib.file_digest(raw, "sha256").hexdigest()


def write_sums(path: Path, hashes: Mapping[str, str]) -> None:
    """Write the sha256 of files, given by their path beside this one, as `sha256sum --check` reads them."""
    write_text(path, "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)))


def link_or_copy(source: Path, destination: Path) -> None:
    """Make `destination` the same bytes as `source`: a hard link where the file system allows it, else a copy."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.unlink(missing_ok=True)
    try:
        os.link(source, destination)
    except OSError:
        with replacing(destination) as temporary:
            shutil.copyfile(source, temporary)
