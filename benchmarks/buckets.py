"""What buckets cost: pixels cropped away and images outside full batches, by Darkroom's rule and by its peers'.

PYTHONPATH=scripts python benchmarks/buckets.py [--draws 40]

Peers' rules are written anew from their description: sd-scripts (max_reso 2048, and no_upscale), ai-toolkit, OneTrainer
and SimpleTuner, each for an area of 1024 squared. A peer's bucket depends on an image alone; crop loss is the share of
the image that does not fit the bucket's shape. Exit code 1 where Darkroom misses a goal.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from darkroom.config.framing import CropSettings
from darkroom.framing.buckets import Crop, View, choose_crops

SIDE = 1024
PIXELS = 24_000_000  # of a photo: a crop in whole pixels of so many has its bucket's shape
CAMERAS = (1, 5 / 4, 4 / 3, 3 / 2, 16 / 10, 16 / 9, 2, 4 / 5, 3 / 4, 2 / 3, 10 / 16, 9 / 16)
WIDEST = 3.0  # of the random shapes, and of Darkroom's buckets for them
# Usual aspect ratios and their shares among the photos of a set, each photo with a jitter of its logarithm.
USUAL = {3 / 2: 0.25, 2 / 3: 0.15, 3 / 4: 0.25, 4 / 3: 0.15, 1.0: 0.05, 16 / 9: 0.05, 9 / 16: 0.05, 4 / 5: 0.05}
JITTER = 0.01
SETS = ((20, 2), (20, 4), (30, 4), (50, 4), (100, 4), (200, 4))
GOALS = {64: 0.040, 32: 0.027}  # mean crop loss of 30 images in batches of 4
Size = tuple[int, int]
Rule = Callable[[float], Size]


def crop_loss(aspect: float, bucket: Size) -> float:
    """The share of an image that a bucket's shape leaves out."""
    ratio = aspect * bucket[1] / bucket[0]
    return 1 - min(ratio, 1 / ratio)


def floored(length: float, step: int) -> int:
    """A length in whole steps."""
    return int(length // step) * step


@cache
def sd_scripts_sizes(step: int, longest: int) -> tuple[Size, ...]:
    """make_bucket_resolutions: for each width the largest height of the area, and both turned."""
    sizes = {(SIDE, SIDE)}
    for width in range(256, longest + 1, step):
        height = min(longest, floored(SIDE * SIDE / width, step))
        if height >= 256:
            sizes |= {(width, height), (height, width)}
    return tuple(sorted(sizes))


def sd_scripts(aspect: float, step: int = 64, longest: int = 2048) -> Size:
    """The size of the nearest aspect ratio, on a linear scale."""
    return min(sd_scripts_sizes(step, longest), key=lambda size: abs(size[0] / size[1] - aspect))


def sd_scripts_no_upscale(aspect: float, step: int = 64) -> Size:
    """Shrunk to the area, one side cut to whole steps and the other following it; of both ways the nearer shape."""
    width, height = (floored(side, step) for side in (math.sqrt(SIDE * SIDE * aspect), math.sqrt(SIDE * SIDE / aspect)))
    sizes = (floored(height * aspect, step), height), (width, floored(width / aspect, step))
    return min(sizes, key=lambda size: abs(size[0] / size[1] - aspect))


def ai_toolkit(aspect: float, step: int = 64) -> Size:
    """Of the sizes around the ideal one, those within the area; of these the largest."""
    ideal = math.sqrt(SIDE * SIDE * aspect), math.sqrt(SIDE * SIDE / aspect)
    widths, heights = ({floored(side, step), floored(side, step) + step} for side in ideal)
    sizes = [(width, height) for width in widths for height in heights if width * height <= SIDE * SIDE]
    return max(sizes, key=lambda size: (size[0] * size[1], -abs(math.log(size[0] / size[1] / aspect))))


def one_trainer(aspect: float, step: int = 64) -> Size:
    """Nine aspect ratios and their inverses, rounded to whole steps."""
    ratios = [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4]
    sizes = []
    for ratio in [*ratios, *(1 / ratio for ratio in ratios[1:])]:
        width, height = math.sqrt(SIDE * SIDE * ratio), math.sqrt(SIDE * SIDE / ratio)
        sizes.append((round(width / step) * step, round(height / step) * step))
    return min(sizes, key=lambda size: abs(size[0] / size[1] - aspect))


def simple_tuner(aspect: float, step: int = 64) -> Size:
    """The aspect ratio rounded to two decimals; both sides rounded to whole steps."""
    width = math.sqrt(SIDE * SIDE * round(aspect, 2))
    height = width / round(aspect, 2)
    return round(width / step) * step, round(height / step) * step


PEERS: dict[str, Rule] = {
    "sd-scripts 64 (max_reso 2048)": sd_scripts,
    "sd-scripts 64 (no_upscale)": sd_scripts_no_upscale,
    "ai-toolkit 64": ai_toolkit,
    "ai-toolkit 16": partial(ai_toolkit, step=16),
    "OneTrainer 64": one_trainer,
    "SimpleTuner 64": simple_tuner,
}
STEPS = (64, 32, 16)


def darkroom(aspects: Sequence[float], step: int, batch: int, widest: float) -> list[Crop]:
    """Darkroom's crops of photos of these aspect ratios, assigned together."""
    settings = CropSettings(resolution=SIDE, bucket_step=step, max_aspect=widest)
    views = [View(str(number), (0, 0, *photo_size(aspect))) for number, aspect in enumerate(aspects)]
    crops = choose_crops(views, settings, batch)
    return [crops[view.frame] for view in views]


def photo_size(aspect: float) -> Size:
    """The size in pixels of a photo of this aspect ratio."""
    return round(math.sqrt(PIXELS * aspect)), round(math.sqrt(PIXELS / aspect))


def losses_alone(aspects: Sequence[float]) -> dict[str, tuple[np.ndarray, list[Size]]]:
    """Crop losses and buckets of images one by one, by rule."""
    found = {}
    for name, rule in PEERS.items():
        sizes = [rule(aspect) for aspect in aspects]
        found[name] = np.array([crop_loss(*pair) for pair in zip(aspects, sizes, strict=True)]), sizes
    for step in STEPS:
        crops = darkroom(aspects, step, 1, WIDEST)
        found[f"Darkroom {step}, each alone"] = np.array([crop.loss for crop in crops]), [crop.bucket for crop in crops]
    return found


def print_alone() -> None:
    """The table of pixel losses."""
    random = np.random.default_rng(0)
    many = losses_alone(np.exp(random.uniform(-math.log(WIDEST), math.log(WIDEST), 5000)).tolist())
    cameras = losses_alone(CAMERAS)
    print("| rule | 12 camera formats: mean / max | 5000 random shapes: mean / p95 / max | area | buckets |")
    print("|---|---|---|---|---|")
    for name, (loss, sizes) in many.items():
        few = cameras[name][0]
        area = np.mean([width * height for width, height in sizes]) / SIDE**2
        wide = f"{loss.mean():.2%} / {np.percentile(loss, 95):.2%} / {loss.max():.2%}"
        print(f"| {name} | {few.mean():.2%} / {few.max():.2%} | {wide} | {area:.3f} | {len(set(sizes))} |")


def left_over(buckets: Sequence[Size], batch: int) -> int:
    """Images outside full batches of one bucket."""
    return sum(count % batch for count in Counter(buckets).values())


def print_joint(draws: int) -> bool:
    """The table of the joint problem; whether Darkroom meets its goals in it."""
    names = [*PEERS, "Darkroom 64", "Darkroom 32"]
    print(f"\nShare of images outside full batches (mean crop loss); {draws} draws")
    print(f"| n, batch | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    good = True
    for count, batch in SETS:
        left: dict[str, list[int]] = {name: [] for name in names}
        loss: dict[str, list[float]] = {name: [] for name in names}
        random = np.random.default_rng(count * 10 + batch)
        for _ in range(draws):
            usual = random.choice(list(USUAL), count, p=list(USUAL.values()))
            aspects = (usual * np.exp(random.normal(0, JITTER, count))).tolist()
            for name, rule in PEERS.items():
                sizes = [rule(aspect) for aspect in aspects]
                left[name].append(left_over(sizes, batch))
                loss[name].append(float(np.mean([crop_loss(*pair) for pair in zip(aspects, sizes, strict=True)])))
            for step in GOALS:
                crops = darkroom(aspects, step, batch, CropSettings().max_aspect)
                left[f"Darkroom {step}"].append(left_over([crop.bucket for crop in crops], batch))
                loss[f"Darkroom {step}"].append(float(np.mean([crop.loss for crop in crops])))
        cells = [f"{np.mean(left[name]) / count:.1%} ({np.mean(loss[name]):.2%})" for name in names]
        print(f"| {count}, {batch} | {' | '.join(cells)} |", flush=True)
        for step, goal in GOALS.items():
            good &= max(left[f"Darkroom {step}"]) == count % batch
            good &= (count, batch) != (30, 4) or float(np.mean(loss[f"Darkroom {step}"])) <= goal
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=40, help="random sets per line of the second table")
    arguments = parser.parse_args()
    print_alone()
    good = print_joint(arguments.draws)
    print(f"goals {'met' if good else 'missed'}: none outside full batches but n mod batch; loss at most {GOALS}")
    sys.exit(not good)


if __name__ == "__main__":
    main()
