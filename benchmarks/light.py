"""Lanczos in gamma light or in linear light: what frames lose of fine patterns and gain in halos, on real photos.

PYTHONPATH=scripts python benchmarks/light.py FOLDER [--side 512]
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from darkroom.errors import UserError
from darkroom.imaging.open_photo import open_photo


def to_linear(levels: np.ndarray) -> np.ndarray:
    """Light of sRGB levels from 0 to 1 (IEC 61966-2-1)."""
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def to_levels(light: np.ndarray) -> np.ndarray:
    """sRGB levels of light from 0 to 1."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def resized(channels: np.ndarray, size: tuple[int, int], method: Image.Resampling) -> np.ndarray:
    """Channels (height, width, 3) of floating-point numbers, resized."""
    parts = [Image.fromarray(channels[..., part].astype(np.float32)).resize(size, method) for part in range(3)]
    return np.stack([np.asarray(part) for part in parts], axis=-1).astype(np.float64)


def measure(photo: Image.Image, side: int) -> dict[str, list[float]]:
    """Of each kind of light: levels (of 255) of difference to the mean light of the area, and of halo."""
    scale = side / min(photo.size)
    size = round(photo.width * scale), round(photo.height * scale)
    levels = np.asarray(photo, dtype=np.float64) / 255
    true = to_levels(resized(to_linear(levels), size, Image.Resampling.BOX))
    frames = {
        "gamma": np.clip(resized(levels, size, Image.Resampling.LANCZOS), 0, 1),
        "linear": to_levels(resized(to_linear(levels), size, Image.Resampling.LANCZOS)),
    }
    # A halo is what no pixel of the area around has: three pixels of the frame, as far as Lanczos reaches.
    reach = (7, 7, 1)
    low, high = minimum_filter(true, reach), maximum_filter(true, reach)
    found = {}
    for name, frame in frames.items():
        darker, brighter = np.clip(low - frame, 0, None) * 255, np.clip(frame - high, 0, None) * 255
        found[name] = [
            (to_linear(frame).mean() / to_linear(true).mean() - 1) * 100,
            np.abs(frame - true).mean() * 255,
            float(np.percentile(darker, 99.9)),
            float(np.percentile(brighter, 99.9)),
        ]
    found["apart"] = [np.abs(frames["gamma"] - frames["linear"]).mean() * 255] * 4
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of photos, searched recursively")
    parser.add_argument("--side", type=int, default=512, help="shorter side of the frames in pixels")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    found = []
    for path in paths:
        photo = open_photo(path).picture
        if min(photo.size) >= 1.5 * arguments.side:
            found.append(measure(photo, arguments.side))
    if not found:
        raise UserError(f"{arguments.folder}: no photo with a side of {1.5 * arguments.side:.0f} pixels or more")
    print(f"{len(found)} photos, shorter side {arguments.side}; levels are of 255")
    print("| light | brightness | levels off the mean of the area | dark halo, 99.9 % | bright halo, 99.9 % |")
    print("|---|---|---|---|---|")
    for name in ("gamma", "linear"):
        bright, off, dark, light = np.mean([each[name] for each in found], axis=0)
        print(f"| {name} | {bright:+.2f} % | {off:.2f} | {dark:.1f} | {light:.1f} |")
    print(f"between the two: {np.mean([each['apart'][0] for each in found]):.2f} levels on average")


if __name__ == "__main__":
    main()
