"""What is trained on, encoded once: latents, masks and texts, in files named by their sha256 and listed in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.errors import UserError
from darkroom.storage.cache import Cache
from darkroom.storage.files import link_or_copy, sha256_file
from darkroom.storage.tables import read_rows

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]


@dataclass(frozen=True)
class Encoding:
    """A row of encodings.csv: kind `frame`, `prior` or `empty` (the caption dropout's), and its files' sha256.

    `untriggered` is the text of a frame's caption without the trigger.
    """

    kind: str
    name: str = ""
    split: str = ""
    width: int | None = None
    height: int | None = None
    latents: str = ""
    mirrored: str = ""
    mask: str = ""
    text: str = ""
    untriggered: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of a picture. Raises ValueError for the empty caption, which has none."""
        if self.height is None or self.width is None:
            raise ValueError(f"{self.kind} {self.name}: it has no size")
        return self.height, self.width


@dataclass(frozen=True)
class Encodings:
    """All encodings of a target, each found by its frame's name and never by its position."""

    folder: Path
    rows: tuple[Encoding, ...]

    def of(self, kind: str, split: str) -> list[Encoding]:
        """The rows of a kind and split, in the order of the table."""
        return [row for row in self.rows if row.kind == kind and row.split == split]

    @property
    def empty(self) -> Encoding:
        """The empty caption."""
        return next(row for row in self.rows if row.kind == "empty")

    def tensors(self, sha256: str) -> Tensors:
        """The tensors of one file."""
        return _load(self.folder / f"{sha256}.safetensors")

    def mask_of(self, row: Encoding) -> torch.Tensor | None:
        """The mask (height, width) of a frame; None where it has none, or one without a subject.

        An empty mask would leave nothing of the frame in the loss where the background weighs nothing.
        """
        mask = self.tensors(row.mask)["mask"] if row.mask else None
        return mask if mask is not None and mask.any() else None


@lru_cache(maxsize=2000)
def _load(path: Path) -> Tensors:
    from safetensors.torch import load_file

    return load_file(path)


def shape_of_latents(path: Path) -> tuple[int, ...]:
    """The shape (channels, height, width) of the latents in a file, without them and without torch."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return tuple(file.get_slice("latents").get_shape())


def read_encodings(table: Path, folder: Path) -> Encodings:
    """Read a table of encodings and check that every file is there with the bytes its name says.

    Raises UserError where a file is missing or damaged.
    """
    rows = read_rows(table, Encoding)
    for sha256 in sorted({name for row in rows for name in _files_of(row) if name}):
        path = folder / f"{sha256}.safetensors"
        if not path.exists() or sha256_file(path) != sha256:
            raise UserError(f"{path}: missing or damaged; delete {folder} and run again to encode anew")
    return Encodings(folder, tuple(rows))


def _files_of(row: Encoding) -> tuple[str, ...]:
    return row.latents, row.mirrored, row.mask, row.text, row.untriggered


def cached_tensors(
    cache: Cache, keys: Mapping[str, str], compute: Callable[[list[str]], Iterable[tuple[str, Tensors]]]
) -> tuple[dict[str, Path], int]:
    """Look up the safetensors file of each name; compute and store what is missing. As `cache.cached` does for JSON.

    Returns the files by name and the number computed.
    """
    files = {name: cache.path(key, ".safetensors") for name, key in keys.items()}
    missing = sorted(name for name, key in keys.items() if not cache.has(key, ".safetensors"))
    if missing:
        from safetensors.torch import save

        for name, tensors in compute(missing):
            cache.store_bytes(keys[name], ".safetensors", save(tensors))
    return files, len(missing)


def lay_out(files: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Link files into a folder under their sha256 and return the sha256 by name."""
    hashes = {name: sha256_file(path) for name, path in files.items()}
    for name, path in files.items():
        link_or_copy(path, folder / f"{hashes[name]}.safetensors")
    return hashes
