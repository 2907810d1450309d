"""Names of files as text: whatever bytes a name holds, it is one line of UTF-8 that leads back to the file.

Linux forbids only the slash and the zero byte in a name. Bytes that are no UTF-8, control characters and line
separators are written as \\xNN per byte and a backslash as two, so that every name fits into a table, a JSON file, a
log and a contact sheet, and no two names become one. Other names stay as they are.
"""

import os
import re
import unicodedata
from pathlib import Path

ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")
CONTROL = ("Cc", "Cs", "Zl", "Zp")  # control characters, bytes that are no UTF-8, line and paragraph separators


def path_text(name: str) -> str:
    """A name as the file system gave it, as text for tables and logs."""
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    # By the bytes, because Python decodes names by the locale.
    return "".join(map(_escaped, os.fsencode(name).decode("utf-8", "surrogateescape")))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) in CONTROL:
        return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
    return character


def found_path(folder: Path, text: str) -> Path:
    """The file in `folder` whose path, as text, is in a table or an index."""
    if "\\" not in text and text.isascii():
        return folder / text
    return folder / os.fsdecode(ESCAPE.sub(_unescaped, text.encode()))


def _unescaped(match: re.Match[bytes]) -> bytes:
    return b"\\" if match[1] == b"\\" else bytes([int(match[1][1:], 16)])
