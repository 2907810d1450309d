"""How good masks are and which of them are trusted: the pocket world, and cut-outs with known alpha on real photos.

    PYTHONPATH=scripts python benchmarks/masks.py

Half 0 is what the thresholds of `selection` were found on; half 1 has other seeds, other cut-outs and other photos. The
peer is one look with the levels stretched to the full range, as rembg does it. Cut-outs and, without --backgrounds,
their grounds come out of Debian packages, which are downloaded into a temporary folder and not kept.
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from cutouts import CUTOUTS, WALLPAPERS, Composite, backgrounds, composites, cutout_files, debian_files, quiet
from PIL import Image, ImageChops

from darkroom.config.base import ComputeSettings
from darkroom.config.framing import SETUP_MODEL, SelectionSettings
from darkroom.framing.looks import look_again
from darkroom.framing.mask_measures import agreement, describe_mask
from darkroom.framing.mask_verdict import mask_problem
from darkroom.framing.segmenter import Finder, Segment, load_segmenter
from darkroom.framing.tables import MaskRow
from darkroom.models.lock import LockedModel
from darkroom.pocket.renderer import render
from darkroom.pocket.world import sample_scene
from darkroom.storage.tables import write_table

ROOT = Path(__file__).resolve().parents[1]
# Seeds that no model of the pocket world and no toybox has seen.
FIRST_SEED = 500_000
# Width and height of the renders, in pixels.
VIEWS = ((512, 512), (640, 448), (448, 640))
# Below the one a mask is bad, above the other it is good.
BAD, GOOD = 0.7, 0.85


def pocket_scenes(count: int, half: int) -> Iterator[Composite]:
    """Renders with their exact masks, by seed."""
    for seed in range(FIRST_SEED + 100_000 * half, FIRST_SEED + 100_000 * half + count):
        scene = sample_scene(seed)
        pictures, masks, _ = render([scene], *random.Random(seed).choice(VIEWS))
        name = f"{scene.shape} {scene.distance} {scene.light}"
        yield Composite(name, Image.fromarray(pictures[0].numpy()), Image.fromarray(masks[0].numpy()))


def stretched(mask: Image.Image) -> Image.Image:
    """A mask with its levels stretched to the full range."""
    low, high = (int(level) for level in mask.getextrema())  # type: ignore[arg-type]
    return mask.point(lambda level: round((level - low) * 255 / max(high - low, 1)))


def measure(shown: Composite, segment: Segment) -> dict[str, object]:
    """The raw numbers of the mask of a composite, its verdict, and its agreement with the truth, also of one look."""
    looked: list[Image.Image] = []

    def listening(picture: Image.Image) -> Image.Image:
        looked.append(segment(picture))
        return looked[-1]

    mask, looks = look_again(listening, shown.picture)
    row = describe_mask(mask) | {"looks": looks}
    typed = MaskRow(photo="", **row, agreement=None, source="", sha256="")
    single = agreement(stretched(looked[0]), shown.truth)
    error = float(np.asarray(ImageChops.difference(mask, shown.truth)).mean()) / 255
    return row | {
        "name": shown.name,
        "iou": agreement(mask, shown.truth),
        "single": single,
        "error": error,
        "problem": mask_problem(typed, SelectionSettings()),
    }


def numbers(rows: list[dict[str, object]], name: str) -> np.ndarray:
    return np.array([float(str(row[name])) for row in rows])


def report(title: str, rows: list[dict[str, object]]) -> None:
    """One line on how good the masks are."""
    single, iou = numbers(rows, "single"), numbers(rows, "iou")
    print(
        f"| {title} | {len(rows)} | {single.mean():.3f} | {iou.mean():.3f} | {np.median(iou):.3f} | "
        f"{(single < BAD).sum()} | {(iou < BAD).sum()} |",
        flush=True,
    )


def report_trust(title: str, rows: list[dict[str, object]]) -> None:
    """One line on which masks are trusted."""
    iou, doubted = numbers(rows, "iou"), np.array([bool(row["problem"]) or row["x0"] is None for row in rows])
    bad, good = iou < BAD, iou > GOOD
    print(
        f"| {title} | {bad.sum()} | {(doubted & bad).sum() / max(bad.sum(), 1):.0%} | {good.sum()} | "
        f"{(doubted & good).sum() / max(good.sum(), 1):.0%} | {numbers(rows, 'iou')[~doubted].mean():.3f} |",
        flush=True,
    )


def save(found: dict[tuple[str, int], list[dict[str, object]]], table: Path | None) -> None:
    """Write the raw numbers of all pictures measured so far, where a table is asked for."""
    rows = [row | {"kind": kind, "half": half} for (kind, half), part in found.items() for row in part]
    if table is not None:
        write_table(table, tuple(rows[0]), rows, keep_order=True)


def collect(arguments: argparse.Namespace, segment: Segment) -> dict[tuple[str, int], list[dict[str, object]]]:
    """The measured rows by kind and half."""
    found: dict[tuple[str, int], list[dict[str, object]]] = {}
    with debian_files(CUTOUTS if arguments.backgrounds else (*CUTOUTS, *WALLPAPERS)) as files:
        cutouts = cutout_files(files)
        grounds = quiet(backgrounds(arguments.backgrounds or files))
        for half in (1, 0):
            kinds = {
                "pocket world": pocket_scenes(arguments.count, half),
                "cut-outs": composites(cutouts, grounds, arguments.count, half),
                "hard cut-outs": composites(cutouts, grounds, 2 * arguments.count, half, hard=True),
            }
            for kind, scenes in kinds.items():
                found[kind, half] = [measure(shown, segment) for shown in scenes]
                report(f"{kind}, half {half}", found[kind, half])
                save(found, arguments.table)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50, help="pictures per kind and half, hard ones twice as many")
    parser.add_argument("--model", type=Path, default=ROOT / SETUP_MODEL, help="an ONNX network")
    parser.add_argument("--backgrounds", type=Path, help="a folder of photos without a clear subject of their own")
    parser.add_argument("--table", type=Path, help="a CSV of all raw numbers, to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = LockedModel(arguments.model.name, "local", arguments.model, {})
    segment = load_segmenter(Finder(model, None, None, "", ComputeSettings(device="cpu")))
    started = time.monotonic()
    print("| pictures | number | one look: IoU | IoU | median | one look: bad | bad |\n|---|---|---|---|---|---|---|")
    found = collect(arguments, segment)
    print("\n| verdicts | bad | bad flagged | good | good flagged | IoU of the trusted |\n|---|---|---|---|---|---|")
    for half in (1, 0):
        report_trust(f"half {half}", [row for (_, other), rows in found.items() if other == half for row in rows])
    print(f"\nbad: IoU below {BAD}; good: above {GOOD}. {time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
