"""Cut-outs with known alpha on real photos, for benchmarks of masks: by seed, from two packages of Debian.

The packages are downloaded into a temporary folder and not kept: photographs of things and animals
(tuxpaint-stamps-default, GPL-2) and painted portraits (wesnoth-1.16-data, GPL-2+ and CC BY-SA 4.0).
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image, ImageOps

CUTOUTS = ("tuxpaint-stamps-default", "wesnoth-1.16-data")
STAMPS, PORTRAITS = "usr/share/tuxpaint/stamps", "usr/share/games/wesnoth/1.16/data/core/images/portraits"
# Drawings and signs are no subjects of photos.
SKIPPED = ("symbols", "cartoon")
WALLPAPERS = ("mate-backgrounds", "lomiri-wallpapers-16.04", "plasma-workspace-wallpapers")
# The photos among them that show no thing of their own: with two subjects nobody knows which of them is meant.
GROUNDS = (
    *("aitzgorri_by_Aitzol_Berasategi", "Blinds", "Bridge_by_Sander_Klootwijk", "BytheWater", "DarkestHour"),
    *("Dragonfly_by_Bolly", "Dune", "GreenMeadow", "Grey", "life_by_Aitzol_Berasategi", "OneStandsOut", "Path"),
    *("picosdeeuropa_by_Aitzol_Berasategi", "RainDrops", "Storm", "summer_1am", "sunset_by_Aitzol_Berasategi", "Wood"),
)
GROUND_FOLDERS = ("usr/share/backgrounds", "usr/share/wallpapers")
# Among the wallpapers: drawings, previews and other sizes of the same photos.
NO_PHOTOS = ("/mate/desktop/", "/mate/abstract/", "/analogpattern", "/umang", "/Autumn/", "/screenshot")
PLASMA_SIZE = "2560x1600"
PICTURES = (".jpg", ".jpeg", ".png")
# Longer side of a photo in pixels; cut-outs are small, and few are enlarged more than about twice.
PHOTO_SIDE = 640
SMALLEST_CUTOUT = 180
# Least share of opaque pixels: of ghosts, fires and fur cut out by a soft brush nobody knows the true mask.
OPAQUE = 0.75
# Longer side of a cut-out as a share of the photo's: what subjects of a LoRA look like, and what is hard to find.
SUBJECT_SHARES, HARD_SHARES = (0.4, 0.8), (0.1, 0.6)


@dataclass(frozen=True)
class Composite:
    """A photo with a pasted cut-out and its true mask (8-bit, soft edges)."""

    name: str
    picture: Image.Image
    truth: Image.Image


@contextmanager
def debian_files(packages: tuple[str, ...]) -> Iterator[Path]:
    """A temporary folder with the files of Debian packages."""
    with TemporaryDirectory() as folder:
        # As root, apt would drop its rights for the download and complain that it may not write here.
        subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages], cwd=folder, check=True
        )
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, f"{folder}/files"], check=True)
            package.unlink()
        yield Path(folder) / "files"


def cutout_files(folder: Path) -> list[Path]:
    """The usable cut-outs in the files of CUTOUTS: large enough, opaque, of one piece, no rectangle, no thread."""
    stamps = sorted(path for path in (folder / STAMPS).rglob("*.png") if not any(word in str(path) for word in SKIPPED))
    portraits = sorted((folder / PORTRAITS).rglob("*.png"))
    return [path for path in [*stamps, *portraits] if _is_usable(path)]


def _is_usable(path: Path) -> bool:
    with Image.open(path) as image:
        if max(image.size) < SMALLEST_CUTOUT or image.mode == "RGB":
            return False
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
    solid = alpha >= 128
    if not solid.any() or (alpha >= 240).sum() < OPAQUE * (alpha >= 16).sum():
        return False
    count, _, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
    columns, rows = solid.any(axis=0).sum(), solid.any(axis=1).sum()
    filled = solid.sum() / (columns * rows)
    return bool(stats[1:count, cv2.CC_STAT_AREA].max() > 0.95 * solid.sum() and 0.2 < filled < 0.95)


def backgrounds(folder: Path) -> list[Path]:
    """The photos of a folder, one of each name, sorted by it; of the files of WALLPAPERS, their photos."""
    places = [folder / place for place in GROUND_FOLDERS if (folder / place).is_dir()] or [folder]
    files = [path for place in places for path in sorted(place.rglob("*")) if path.suffix.lower() in PICTURES]
    photos = {_name(path): path for path in files if _is_photo(path)}
    return [photos[name] for name in sorted(photos)]


def _is_photo(path: Path) -> bool:
    return path.stem in (_name(path), PLASMA_SIZE) and not any(word in str(path) for word in NO_PHOTOS)


def quiet(photos: list[Path]) -> list[Path]:
    """The photos among the wallpapers that show no thing of their own; all, where none of them is a wallpaper."""
    return [path for path in photos if _name(path) in GROUNDS] or photos


def _name(path: Path) -> str:
    """What a photo is called; Plasma's lie at NAME/contents/images/SIZE."""
    return path.parts[-4] if path.parts[-3:-1] == ("contents", "images") else path.stem


@lru_cache(maxsize=4)
def _photo(path: Path) -> Image.Image:
    photo = Image.open(path).convert("RGB")
    photo.thumbnail((2 * PHOTO_SIDE, 2 * PHOTO_SIDE), Image.Resampling.LANCZOS)
    return photo


def _window(path: Path, draws: np.random.Generator) -> Image.Image:
    """A window of a photo, of half its sides and more, perhaps mirrored, with a longer side of PHOTO_SIDE."""
    photo = _photo(path)
    width, height = (round(side * draws.uniform(0.5, 1)) for side in photo.size)
    x, y = int(draws.integers(photo.width - width + 1)), int(draws.integers(photo.height - height + 1))
    scale = PHOTO_SIDE / max(width, height)
    size = (round(width * scale), round(height * scale))
    window = photo.resize(size, Image.Resampling.LANCZOS, box=(x, y, x + width, y + height))
    return ImageOps.mirror(window) if draws.random() < 0.5 else window


def _disguised(piece: Image.Image, ground: Image.Image, strength: float) -> Image.Image:
    """A cut-out whose colours are drawn to those of its ground, in mean and spread (Reinhard et al. 2001, in sRGB)."""
    colours, ground_colours = np.asarray(piece.convert("RGB"), np.float32), np.asarray(ground, np.float32)
    solid = np.asarray(piece)[..., 3] >= 128
    mean, spread = colours[solid].mean(axis=0), colours[solid].std(axis=0) + 1
    alike = (colours - mean) / spread * ground_colours.std(axis=(0, 1)) + ground_colours.mean(axis=(0, 1))
    mixed = Image.fromarray(np.clip(colours + strength * (alike - colours), 0, 255).round().astype(np.uint8))
    mixed.putalpha(piece.getchannel("A"))
    return mixed


def paste(
    cutout: Path, background: Path, draws: np.random.Generator, share: float, disguise: float = 0, light: float = 1
) -> Composite:
    """Paste a cut-out somewhere whole into a window of a photo, its longer side that `share` of the photo's at most.

    `disguise` (0 to 1) draws its colours to those of the photo around it; `light` darkens the whole.
    """
    photo = _window(background, draws)
    with Image.open(cutout) as image:
        piece = image.convert("RGBA")
    piece = piece.crop(piece.getchannel("A").point(lambda level: 255 * (level >= 128)).getbbox())
    scale = share * PHOTO_SIDE / max(piece.size)
    scale = min(scale, *(0.95 * whole / part for whole, part in zip(photo.size, piece.size, strict=True)))
    size = (max(8, round(piece.width * scale)), max(8, round(piece.height * scale)))
    piece = piece.resize(size, Image.Resampling.LANCZOS)
    x, y = (int(draws.integers(whole - part + 1)) for whole, part in zip(photo.size, piece.size, strict=True))
    if disguise:
        piece = _disguised(piece, photo.crop((x, y, x + piece.width, y + piece.height)), disguise)
    truth = Image.new("L", photo.size, 0)
    truth.paste(piece.getchannel("A"), (x, y))
    photo.paste(piece.convert("RGB"), (x, y), piece.getchannel("A"))
    photo = photo.point(lambda level: level * light)
    return Composite(f"{cutout.stem} on {_name(background)}", photo, truth)


def composites(
    cutouts: list[Path], photos: list[Path], count: int, half: int, hard: bool = False
) -> Iterator[Composite]:
    """`count` composites of every second cut-out and every second photo: the halves 0 and 1 have none in common.

    Easy ones are subjects as of a LoRA; hard ones are small, of the colours of their ground, or in the dark.
    """
    draws = np.random.default_rng([7, half, hard])
    own, grounds = cutouts[half::2], photos[half::2]
    order = draws.permutation(len(own))
    for number in range(count):
        cutout, background = own[order[number % len(own)]], grounds[int(draws.integers(len(grounds)))]
        if hard:
            disguise, light = draws.uniform(0, 0.9), draws.uniform(0.2, 1)
            yield paste(cutout, background, draws, draws.uniform(*HARD_SHARES), disguise, light)
        else:
            yield paste(cutout, background, draws, draws.uniform(*SUBJECT_SHARES))
