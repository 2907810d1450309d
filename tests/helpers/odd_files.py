"""A folder of good, odd and bad files of every kind we could think of, and what the survey shall say of each."""

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from odd_pictures import HEIC, Expected, Folder, encoded, halves, odd_pixels, oriented
from PIL import Image
from tiny_dng import tiny_dng


def png_with(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (8, 8)) -> bytes:
    """An 8-bit grey PNG that claims a size, with chunks before its pixels."""
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(9 * 8))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def broken(folder: Path, found: Folder) -> None:
    """Files that are no photos, cannot be read, or are too large once decoded."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    heic = (HEIC / "orientation-1.heic").read_bytes()
    ispe = heic.index(b"ispe") + 8
    jpeg = bytearray(encoded(noise, "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    dng = tiny_dng(np.asarray(halves(192, 128)))
    text = zlib.compress(bytes(100_000_000))
    unsupported: dict[str, tuple[bytes, str]] = {
        "notes.pdf": (b"%PDF-1.7", "not a picture"),
        "film.mp4": (b"\0\0\0\x18ftypmp42", "not a picture"),
        "locked.zip": (b"PK\x03\x04\x14\0\x01\0\x08\0" + bytes(30), "not a picture"),
        "empty.pdf": (b"", "not a picture"),
        "floats.tif": (encoded(Image.new("F", (8, 8), 0.5), "TIFF"), "floating-point"),
        "whole-numbers.tif": (encoded(Image.new("I", (8, 8), 70000), "TIFF"), "32-bit"),
        "hdr.heic": ((HEIC / "pq.heic").read_bytes(), "HDR"),
        "new-compression.dng": (tiny_dng(np.asarray(halves(192, 128)), compression=52546), "LibRaw does not read"),
        "head-only.cr3": (b"\0\0\0\x18ftypcrx " + bytes(64), "LibRaw does not read"),
        "bomb.png": (png_with(size=(60000, 60000)), "3600 megapixels"),
        "bomb.jpg": (bytes(jpeg[:at] + struct.pack(">HH", 60000, 60000) + jpeg[at + 4 :]), "3600 megapixels"),
        "bomb.heic": (heic[:ispe] + struct.pack(">II", 20000, 20000) + heic[ispe + 8 :], "400 megapixels"),
        "bomb.dng": (tiny_dng(np.asarray(halves(192, 128)), claimed=(40000, 40000)), "1600 megapixels"),
        "bomb.gif": (
            b"GIF89a" + struct.pack("<HH", 60000, 60000) + b"\0\0\0,\0\0\0\0`\xea`\xea\0\x02\0;",
            "megapixels",
        ),
        "bomb.bmp": (_larger_bitmap(), "3600 megapixels"),
        "bomb.tif": (_larger_tiff(), "3600 megapixels"),
    }
    unreadable: dict[str, tuple[bytes, str]] = {
        "empty.jpg": (b"", "empty"),
        "a-text-named.jpg": (b"hello, I am a text", "although its name ends in .jpg"),
        "a-text-named.heic": (b"hello, I am another text", "although its name ends in .heic"),
        "a-text-named.nef": (b"hello, I am a third text", "although its name ends in .nef"),
        "head-only.heic": (b"\0\0\0\x18ftypheic" + bytes(64), "damaged"),
        "head-only.avif": (b"\0\0\0\x18ftypavif" + bytes(64), "damaged"),
        "truncated.jpg": (encoded(noise, "JPEG", quality=95)[:9000], "truncated"),
        "truncated.png": (encoded(noise, "PNG")[:9000], "truncated"),
        "truncated.webp": (encoded(noise, "WEBP")[:3000], "damaged"),
        "truncated.tif": (encoded(noise, "TIFF")[:9000], "damaged"),
        "truncated.gif": (encoded(noise, "GIF")[:900], "damaged"),
        "truncated.bmp": (encoded(noise, "BMP")[:9000], "damaged"),
        "truncated.heic": (heic[:-200], "damaged"),
        "truncated.avif": (encoded(noise, "AVIF")[:3000], "damaged"),
        "truncated.dng": (dng[:-1000], "damaged"),
        # One damaged byte, at which libheif 1.23.0 dies.
        "crashing.heic": ((HEIC / "crashing.heic").read_bytes(), "damaged"),
        "text-bomb.png": (png_with((b"zTXt", b"Comment\0\0" + text)), "damaged"),
        "profile-bomb.png": (png_with((b"iCCP", b"bomb\0\0" + text)), "damaged"),
        "broken-stream.png": (encoded(noise, "PNG").replace(b"IDAT", b"IDAT\1", 1), "damaged"),
    }
    for status, files in (("unsupported", unsupported), ("unreadable", unreadable)):
        for name, (data, words) in files.items():
            (folder / name).write_bytes(data)
            found[name] = Expected(status, words)


def _larger_bitmap() -> bytes:
    data = encoded(Image.new("RGB", (8, 8)), "BMP")
    return data[:18] + struct.pack("<ii", 60000, 60000) + data[26:]


def _larger_tiff() -> bytes:
    tags = {256: 60000, 257: 60000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 60000, 279: 64}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + struct.pack("<H", len(tags)) + directory + bytes(4)


def odd_names(folder: Path, found: Folder) -> None:
    """Good photos whose names hold anything that a file system allows; each has other bytes."""
    names = {
        b"two\nlines.png": r"two\x0alines.png",
        b"return\r\t.png": r"return\x0d\x09.png",
        b"escape\x1b[31m.png": r"escape\x1b[31m.png",
        b"latin caf\xe9.png": r"latin caf\xe9.png",
        b"half an emoji \xf0\x9f.png": r"half an emoji \xf0\x9f.png",
        b"back\\slash\\x41.png": r"back\\slash\\x41.png",
        "line\u2028separator.png".encode(): r"line\xe2\x80\xa8separator.png",
        "münchen 📷 东京.png".encode(): "münchen 📷 东京.png",
        b" spaces in front and behind .png ": " spaces in front and behind .png ",
        b'it\'s "quoted", with a comma.png': 'it\'s "quoted", with a comma.png',
        b"$(touch pwned) `touch pwned`; touch pwned.png": "$(touch pwned) `touch pwned`; touch pwned.png",
        b"-rf.png": "-rf.png",
        b"{shard} 100% *.png": "{shard} 100% *.png",
        b"l" * 251 + b".png": "l" * 251 + ".png",
        b"IMG_0001.png": "IMG_0001.png",
        b"one/IMG_0001.png": "one/IMG_0001.png",
        b"two \xff/IMG_0001.png": r"two \xff/IMG_0001.png",
        b"d/" * 40 + b"deep.png": "d/" * 40 + "deep.png",
    }
    for number, (name, text) in enumerate(names.items()):
        picture = Image.new("RGB", (8, 8), (number, 0, 0))
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture, "PNG"))
        found[text] = Expected("ok", "", picture)
    (folder / "zz copy of the first.png").write_bytes((folder / "IMG_0001.png").read_bytes())
    found["zz copy of the first.png"] = Expected("identical", "IMG_0001.png")
    for name, text, photo in (
        (b"two\nlines.txt", r"two\x0alines.txt", r"caption of two\x0alines.png"),
        (b"latin caf\xe9.caption", r"latin caf\xe9.caption", r"caption of latin caf\xe9.png"),
    ):
        (folder / os.fsdecode(name)).write_bytes(b"a caption")
        found[text] = Expected("sidecar", photo)
    (folder / "notes.txt").write_text("of nothing")
    found["notes.txt"] = Expected("unsupported", "no readable photo of the same name")


def no_files(folder: Path, found: Folder, outside: Path) -> None:
    """What lies in folders and is no photo to be opened: pipes, links, and what systems leave behind."""
    linked = Image.new("RGB", (8, 8), (1, 2, 3))
    outside.mkdir()
    linked.save(outside / "linked.png")
    (folder / "link-to-a-photo.png").symlink_to(outside / "linked.png")
    found["link-to-a-photo.png"] = Expected("ok", "", linked)
    links = {
        "link-to-nothing.jpg": ("nowhere.jpg", "unreadable", "nowhere"),
        "link-to-itself.jpg": ("link-to-itself.jpg", "unreadable", "circle"),
        "link-to-the-folder-above": ("..", "unsupported", "link to a folder"),
        "link-outside": (str(outside), "unsupported", "link to a folder"),
        "link-to-zeros.jpg": ("/dev/zero", "unsupported", "a device, which is never opened"),
        "link-to-a-pipe.jpg": ("pipe.jpg", "unsupported", "a pipe, which is never opened"),
    }
    for name, (target, status, words) in links.items():
        (folder / name).symlink_to(target)
        found[name] = Expected(status, words)
    os.mkfifo(folder / "pipe.jpg")
    found["pipe.jpg"] = Expected("unsupported", "a pipe, which is never opened")
    with socket.socket(socket.AF_UNIX) as server:
        place = os.open(folder, os.O_RDONLY)  # a socket's whole path may have 107 bytes
        server.bind(f"/proc/self/fd/{place}/socket.jpg")
        os.close(place)
    found["socket.jpg"] = Expected("unsupported", "a socket, which is never opened")
    for name, words in {
        ".hidden.png": "hidden",
        "._turned-1.jpg": "macOS",
        ".DS_Store": "macOS",
        "Thumbs.db": "Windows",
        "one/desktop.ini": "Windows",
    }.items():
        (folder / name).write_bytes(encoded(linked, "PNG"))
        found[name] = Expected("unsupported", words)
    (folder / ".trash").mkdir()
    (folder / ".trash" / "thrown away.png").write_bytes(encoded(linked, "PNG"))
    found[".trash/"] = Expected("unsupported", "hidden")


def blocked(folder: Path, found: Folder) -> None:
    """Files and folders that we may not look into."""
    for name in ("blocked.png", "blocked.txt"):
        (folder / name).write_bytes(encoded(Image.new("RGB", (8, 8), (3, 2, 1)), "PNG"))
        (folder / name).chmod(0)
        found[name] = Expected("unreadable", "permission")
    (folder / "blocked").mkdir()
    (folder / "blocked" / "a.png").write_bytes(b"")
    (folder / "blocked").chmod(0)
    found["blocked/"] = Expected("unreadable", "cannot be listed")


def make_odd_files(folder: Path, outside: Path, *more: Callable[[Path, Folder], None]) -> Folder:
    """Fill a new folder, by `more` makers, too; what to expect of each file by its path in photos.csv."""
    folder.mkdir()
    found: Folder = {}
    for make in (oriented, odd_pixels, broken, odd_names, *more):
        make(folder, found)
    no_files(folder, found, outside)
    return found
