"""Renders the training pictures of the pocket models once, in files that a stopped run picks up again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from darkroom.pocket.renderer import render
from darkroom.pocket.world import SPLITS, Scene, sample_painted, sample_scene, sample_two_toned

SQUEEZED_VIEWS = (1.0, 4 / 3, 3 / 2, 5 / 3, 3 / 4, 2 / 3, 3 / 5)
PART = 1000


@dataclass(frozen=True)
class Split:
    """One set of training pictures: how many, how large, drawn from which seeds."""

    count: int
    width: int
    height: int
    first: int  # first scene number
    sample: Callable[[int], Scene] = sample_scene
    squeezed: bool = False  # wide and tall views squeezed to a square, as Florence-2's processor does


RENDERED_SPLITS = {
    "square": Split(10_000, 64, 64, SPLITS["train"]),
    "wide": Split(4_000, 80, 48, SPLITS["train"] + 100_000),
    "tall": Split(4_000, 48, 80, SPLITS["train"] + 200_000),
    "squeezed": Split(20_000, 64, 64, SPLITS["train"] + 300_000, squeezed=True),
    "two-toned": Split(8_000, 64, 64, SPLITS["train"] + 400_000, sample_two_toned, squeezed=True),
    "painted": Split(8_000, 64, 64, 0, sample_painted),
}


def render_split(name: str, work: Path) -> None:
    """Write `work/world/<name>-<part>.pt` files of up to 1000 pictures; parts that exist are kept."""
    split, started = RENDERED_SPLITS[name], time.monotonic()
    (work / "world").mkdir(parents=True, exist_ok=True)
    for start in range(0, split.count, PART):
        path = work / "world" / f"{name}-{start // PART:02d}.pt"
        if path.exists():
            continue
        scenes = [split.sample(split.first + start + i) for i in range(min(PART, split.count - start))]
        pictures, boxes = render_part(split, scenes)
        temporary = path.with_suffix(".tmp")
        torch.save({"pictures": pictures, "boxes": boxes}, temporary)
        temporary.rename(path)
        print(f"world: {name} {start + len(scenes)}/{split.count}, {time.monotonic() - started:.0f} s", flush=True)


def render_part(split: Split, scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures uint8 (B, H, W, 3) and boxes (B, 4) in pixels."""
    if not split.squeezed:
        pictures, _, boxes = render(scenes, split.width, split.height)
        return pictures, boxes
    pictures = torch.empty(len(scenes), split.height, split.width, 3, dtype=torch.uint8)
    boxes = torch.empty(len(scenes), 4)
    for turn, view in enumerate(SQUEEZED_VIEWS):
        members = slice(turn, None, len(SQUEEZED_VIEWS))
        pictures[members], _, boxes[members] = render(scenes[members], split.width, split.height, aspect=view)
    return pictures, boxes


def load_split(name: str, work: Path) -> tuple[list[Scene], torch.Tensor, torch.Tensor]:
    """All scenes, pictures uint8 (N, H, W, 3) and boxes (N, 4) of a split, rendered before or now."""
    render_split(name, work)
    split = RENDERED_SPLITS[name]
    parts = [torch.load(path, weights_only=True) for path in sorted((work / "world").glob(f"{name}-*.pt"))]
    scenes = [split.sample(split.first + i) for i in range(split.count)]
    return scenes, torch.cat([p["pictures"] for p in parts]), torch.cat([p["boxes"] for p in parts])
