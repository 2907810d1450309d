"""Photos out of focus and moved, found: Darkroom beside cleanvision and the variance of the Laplacian.

    make peers
    PYTHONPATH=scripts python benchmarks/quality.py ../shared/photos/dreambench

Every photo below the folder is blurred in the ways below, at its own size, and saved as a PNG; the real workflow masks
and scores all of them, each with the mask that it makes of the blurred photo itself. Lengths are in pixels of a photo
of 1024 pixels. A shallow focus is no fault: photos whose surroundings alone are blurred must stay.
"""

import argparse
import csv
import multiprocessing
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from duplicates import sources
from peer_process import ask_peer
from PIL import Image, ImageOps
from pocket_project import run_from_nothing
from quality_peers import PEERS

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "quality"
FRAME = 1024

# By kind the score of each photo, in the order of their names.
Scores = Mapping[str, np.ndarray]


def gauss(levels: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur."""
    return cv2.GaussianBlur(levels, (0, 0), sigma * max(levels.shape) / FRAME, borderType=cv2.BORDER_REFLECT)


def motion(levels: np.ndarray, length: float, degrees: float) -> np.ndarray:
    """A smear along a straight line."""
    reach = length * max(levels.shape) / FRAME / 2
    side = 2 * int(np.ceil(reach)) + 3
    line = np.zeros((side, side), np.float32)
    for place in np.linspace(-reach, reach, 40 * side):
        x = side // 2 + place * np.cos(np.radians(degrees))
        y = side // 2 + place * np.sin(np.radians(degrees))
        for corner in np.ndindex(2, 2):
            column, row = int(x) + corner[0], int(y) + corner[1]
            line[row, column] += (1 - abs(x - column)) * (1 - abs(y - row))
    return cv2.filter2D(levels, -1, line / line.sum(), borderType=cv2.BORDER_REFLECT)


def middle(levels: np.ndarray) -> tuple[slice, slice]:
    """The box in the middle with half of each side."""
    height, width = levels.shape[:2]
    return slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)


def missed_focus(levels: np.ndarray) -> np.ndarray:
    """The middle is blurred."""
    blurred = levels.copy()
    blurred[middle(levels)] = gauss(levels, 3)[middle(levels)]
    return blurred


def bokeh(levels: np.ndarray) -> np.ndarray:
    """All but the middle is blurred."""
    blurred = gauss(levels, 6)
    blurred[middle(levels)] = levels[middle(levels)]
    return blurred


UNIFORM = ("gauss 1.5", "gauss 2.5")
MOTION = tuple(f"motion {degrees}" for degrees in (0, 45, 90, 135))
KINDS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "sharp": lambda levels: levels,
    **{kind: partial(gauss, sigma=float(kind.split()[1])) for kind in UNIFORM},
    **{kind: partial(motion, length=11, degrees=float(kind.split()[1])) for kind in MOTION},
    "missed focus": missed_focus,
    "bokeh": bokeh,
}


def file_name(photo: str, kind: str) -> str:
    """The name of a photo's file of one kind."""
    return f"{photo}__{kind.replace(' ', '_')}.png"


def write_kinds(folder: Path, named: tuple[str, Path]) -> None:
    """Write a photo in every kind."""
    cv2.setNumThreads(1)
    name, path = named
    with Image.open(path) as source:
        levels = np.asarray(ImageOps.exif_transpose(source).convert("RGB"), np.float32)
    for kind, change in KINDS.items():
        picture = Image.fromarray(np.clip(change(levels).round(), 0, 255).astype(np.uint8))
        picture.save(folder / file_name(name, kind), compress_level=1)


def darkroom_scores(folder: Path) -> Mapping[str, float]:
    """The sharpness in quality.csv, by file name, made by the real workflow."""
    work = WORK / "darkroom"
    run_from_nothing(work, folder, ["photos.csv", "quality.csv"], shards=2)
    tables = work / "results" / "photos"
    with (tables / "photos.csv").open() as photos, (tables / "quality.csv").open() as quality:
        scores = {row["photo"]: float(row["sharpness"]) for row in csv.DictReader(quality)}
        return {row["path"]: scores[row["photo"]] for row in csv.DictReader(photos)}


def peer_scores(peer: str, folder: Path) -> Mapping[str, float]:
    """What a peer says, in a process of its own."""
    return dict(ask_peer("quality_peers.py", peer, folder, WORK / f"{peer}.json"))


def area_under_curve(high: np.ndarray, low: np.ndarray) -> float:
    """How often a score that should be the higher is (ROC AUC); equals count half."""
    difference = high[:, None] - low[None]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def figures(scores: Scores) -> dict[str, float]:
    """The rows of the report for one tool: areas under curves, and shares at thresholds that catch 95 % of a blur."""
    uniform = np.concatenate([scores[kind] for kind in UNIFORM])
    moved = np.concatenate([scores[kind] for kind in MOTION])
    at_uniform, at_moved = np.percentile(uniform, 95), np.percentile(moved, 95)
    return {
        "AUC sharp, missed focus": area_under_curve(scores["sharp"], scores["missed focus"]),
        "AUC bokeh, missed focus": area_under_curve(scores["bokeh"], scores["missed focus"]),
        "AUC sharp, gauss 1.5": area_under_curve(scores["sharp"], scores["gauss 1.5"]),
        "AUC sharp, gauss 2.5": area_under_curve(scores["sharp"], scores["gauss 2.5"]),
        "AUC sharp, motion 11": area_under_curve(scores["sharp"], moved),
        "sharp lost at 95 % of uniform blur": float((scores["sharp"] < at_uniform).mean()),
        "bokeh lost at 95 % of uniform blur": float((scores["bokeh"] < at_uniform).mean()),
        "missed focus caught there": float((scores["missed focus"] < at_uniform).mean()),
        "sharp lost at 95 % of motion": float((scores["sharp"] < at_moved).mean()),
    }


def report(found: Mapping[str, Scores]) -> None:
    """Print a column per tool, then how Darkroom's scores are spread."""
    columns = {tool: figures(scores) for tool, scores in found.items()}
    print(f"{'':36}" + "".join(f"{tool:>14}" for tool in columns))
    for row in next(iter(columns.values())):
        print(f"{row:36}" + "".join(f"{values[row]:>14.3f}" for values in columns.values()))
    percentiles = (0, 2, 5, 50, 95, 98, 100)
    print(f"\n{'percentiles of darkroom':36}" + "".join(f"{percentile:>7}" for percentile in percentiles))
    for kind, values in found.get("darkroom", {}).items():
        print(f"{kind:36}" + "".join(f"{value:>7.2f}" for value in np.percentile(values, percentiles)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Photos out of focus and moved, found.")
    parser.add_argument("folder", type=Path, help="folder of sharp photos, searched recursively")
    parser.add_argument("--only", nargs="+", default=["darkroom", *PEERS], help="tools to run")
    arguments = parser.parse_args()
    photos = sources(arguments.folder)
    kinds = WORK / "kinds"
    shutil.rmtree(kinds, ignore_errors=True)
    kinds.mkdir(parents=True)
    with multiprocessing.Pool(2) as pool:
        pool.map(partial(write_kinds, kinds), photos.items(), chunksize=1)
    print(f"{len(photos)} photos, {len(list(kinds.iterdir()))} files")
    found = {}
    for tool in arguments.only:
        scores = darkroom_scores(kinds) if tool == "darkroom" else peer_scores(tool, kinds)
        found[tool] = {kind: np.array([scores[file_name(photo, kind)] for photo in photos]) for kind in KINDS}
    report(found)


if __name__ == "__main__":
    main()
