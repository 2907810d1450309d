"""Different photos in any number, for benchmarks: mosaics of real photos (else of the toybox's) with grain, by seed.

Each picture is put together from eight crops of the sources, turned and tinted, so that no two are copies. The subject
is an ellipse in the middle, and its mask is known.
"""

import multiprocessing
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
REAL_PHOTOS = ROOT.parent / "shared" / "photos"
TOYBOX = ROOT / "resources" / "toybox" / "photos"
SEED = 7
COLUMNS, ROWS = 3, 2
# Sources are kept at this longer side, in pixels.
SOURCE_SIDE = 1024


@cache
def source_files() -> list[Path]:
    """The readable photos that pictures are made of, sorted."""
    folder = REAL_PHOTOS if REAL_PHOTOS.is_dir() else TOYBOX
    return [path for path in sorted(folder.rglob("*.jpg")) if _is_readable(path)]


def _is_readable(path: Path) -> bool:
    """Whether a file is a whole picture: some of the toybox's are damaged on purpose."""
    try:
        _source(path)
    except OSError:
        return False
    return True


@cache
def _source(path: Path) -> Image.Image:
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((SOURCE_SIDE, SOURCE_SIDE))
    return picture


def _piece(draws: np.random.Generator, files: list[Path], size: tuple[int, int]) -> Image.Image:
    """A crop of a random source, perhaps mirrored, tinted, in this size."""
    source = _source(files[int(draws.integers(len(files)))])
    width, height = (int(side * draws.uniform(0.3, 0.8)) for side in source.size)
    left, top = int(draws.integers(source.width - width)), int(draws.integers(source.height - height))
    piece = source.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + width, top + height))
    if draws.random() < 0.5:
        piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    tints = draws.uniform(0.6, 1.3, 3)
    return piece.point([min(255, int(level * tint)) for tint in tints for level in range(256)])


def compose(number: int, size: tuple[int, int], grain: float) -> tuple[Image.Image, Image.Image]:
    """The picture of this number and the mask of its subject, both of `size`; `grain` in grey levels."""
    draws, files = np.random.default_rng([SEED, number]), source_files()
    picture = Image.new("RGB", size)
    step = (-(-size[0] // COLUMNS), -(-size[1] // ROWS))
    for place in range(COLUMNS * ROWS):
        picture.paste(_piece(draws, files, step), (place % COLUMNS * step[0], place // COLUMNS * step[1]))
    blend = float(draws.uniform(0.2, 0.5))
    picture = Image.blend(picture, _piece(draws, files, size), blend)
    width, height = (int(side * draws.uniform(0.35, 0.6)) for side in size)
    left, top = int(draws.integers(size[0] - width)), int(draws.integers(size[1] - height))
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((left, top, left + width, top + height), fill=255)
    picture.paste(_piece(draws, files, (width, height)).resize(size, box=(0, 0, width, height)), mask=mask)
    noise = (grain * draws.standard_normal((size[1], size[0], 1), np.float32)).astype(np.int16)
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)), mask


def _write(number: int, photos: Path, masks: Path | None, size: tuple[int, int], grain: float) -> int:
    path = photos / f"photo-{number:06d}.jpg"
    if not path.exists():
        picture, mask = compose(number, size, grain)
        if masks is not None:
            mask.save(masks / f"photo-{number:06d}.png")
        temporary = path.with_suffix(".part")
        picture.save(temporary, "JPEG", quality=94)
        temporary.replace(path)
    return path.stat().st_size


def make_photos(numbers: range, photos: Path, masks: Path | None, size: tuple[int, int], grain: float) -> Iterator[int]:
    """Write the photos of these numbers that are not there yet, and their masks; yield the size of each in bytes."""
    for folder in (photos, masks):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    write = partial(_write, photos=photos, masks=masks, size=size, grain=grain)
    with multiprocessing.Pool(2) as pool:
        yield from pool.imap(write, numbers, chunksize=16)
