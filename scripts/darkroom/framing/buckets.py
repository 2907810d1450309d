"""The buckets of a target, what each would cost a photo, and where its window lies around the subject's box."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_256
from math import ceil, floor

import numpy as np

from darkroom.config.framing import CropSettings
from darkroom.contracts.overrides import Box
from darkroom.framing.bucket_assignment import UNIT, assign_buckets

# A bucket whose area is a smaller share of the square's wastes resolution; a larger share leaves too few shapes.
LEAST_AREA = 0.85
# What a bucket without any area would cost, as a share of a photo: of nearly equal shapes the largest is taken.
AREA_COST = 0.01
# Equal photos are told apart by their hash, in few units of cost, so that an added photo moves few others.
TIE_UNITS = 16
Region = tuple[int, int, int, int]
Size = tuple[int, int]


@dataclass(frozen=True)
class View:
    """What a frame may show: a region of a photo, and the subject's box in it, both in pixels of the opened photo."""

    frame: str
    region: Region
    box: Region | None = None

    @property
    def size(self) -> Size:
        return self.region[2] - self.region[0], self.region[3] - self.region[1]


@dataclass(frozen=True)
class Crop:
    """A window in whole pixels of the opened photo and the bucket (width, height) that it is resized to.

    `cut` is the area of the subject's box, in photo pixels, that lies outside the window; `loss` the share of the
    view's area that does.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    bucket: Size
    cut: int = 0
    loss: float = 0.0


@cache
def bucket_sizes(resolution: int, step: int, max_aspect: float) -> tuple[Size, ...]:
    """Every (width, height), both multiples of `step`, with an area of at most resolution squared and not much less.

    The square comes first.
    """
    area = resolution * resolution
    sides = range(step, int(resolution * max_aspect) + 1, step)
    sizes = [
        (width, height)
        for width in sides
        for height in sides
        if LEAST_AREA * area <= width * height <= area and max(width, height) <= max_aspect * min(width, height)
    ]
    return tuple(
        sorted(
            sizes or [(resolution // step * step,) * 2], key=lambda size: (size[0] != size[1], -size[0] * size[1], size)
        )
    )


def target_buckets(settings: CropSettings) -> tuple[Size, ...]:
    """The buckets of a target, of its largest resolution."""
    return bucket_sizes(settings.image_size, settings.bucket_step, settings.max_aspect)


def window_sizes(views: np.ndarray, buckets: np.ndarray) -> np.ndarray:
    """The largest window (views, buckets, 2) of each bucket's shape in each view, in whole pixels; both hold sizes."""
    scale = (views[:, None, :] / buckets[None]).min(axis=2, keepdims=True)
    return np.minimum(np.rint(buckets[None] * scale), views[:, None, :]).astype(np.int64)


def whole_pixels(box: Box, region: Region) -> Region:
    """The smallest box of whole pixels around a box, inside a region; at least one pixel of it."""
    x0, y0 = min(floor(box[0]), region[2] - 1), min(floor(box[1]), region[3] - 1)
    x0, y0 = max(x0, region[0]), max(y0, region[1])
    return x0, y0, max(min(ceil(box[2]), region[2]), x0 + 1), max(min(ceil(box[3]), region[3]), y0 + 1)


def _start(low: int, high: int, window: int, box_low: int, box_high: int) -> int:
    """Where a window starts on one axis: centred on the box, but inside the region from low to high."""
    return min(max((box_low + box_high - window) // 2, low), high - window)


def place_window(view: View, bucket: Size) -> Crop:
    """The largest window of the bucket's shape in a view, around the subject's box, which it cuts only if it must.

    x0 = clamp(box centre - w / 2, region): centred on it, a window as wide as the box holds it, and moving it into the
    region only moves it along the box's own side.
    """
    x0, y0, x1, y1 = view.region
    box = view.box or view.region
    sizes = window_sizes(np.array([view.size]), np.array([bucket]))[0, 0]
    width, height = int(sizes[0]), int(sizes[1])
    left, top = _start(x0, x1, width, box[0], box[2]), _start(y0, y1, height, box[1], box[3])
    inside_x = min(box[2], left + width) - max(box[0], left)
    inside_y = min(box[3], top + height) - max(box[1], top)
    cut = (box[2] - box[0]) * (box[3] - box[1]) - inside_x * inside_y if view.box else 0
    return Crop(left, top, left + width, top + height, bucket, cut, 1 - width * height / (view.size[0] * view.size[1]))


def crop_costs(views: Sequence[View], settings: CropSettings) -> np.ndarray:
    """What each bucket costs each view (views, buckets), in units of UNIT, infinite where it must not go.

    The cost is the share of the view's area that is cut off. Forbidden are buckets larger than the window (unless
    `settings.upscale`), buckets that cut the subject's box where another does not, and those that cut off more than
    `settings.max_loss` where another does not. Where every bucket cuts the box, the share of it that is cut is added.
    """
    buckets = np.array(target_buckets(settings))
    sizes = np.array([view.size for view in views]).reshape(-1, 2)
    boxes = np.array([_box_size(view.box) for view in views]).reshape(-1, 1, 2)
    windows = window_sizes(sizes, buckets)
    allowed = (windows >= buckets[None]).all(axis=2) | settings.upscale
    loss = 1 - windows.prod(axis=2) / sizes.prod(axis=1)[:, None]
    cut = 1 - np.minimum(windows, boxes).prod(axis=2) / boxes.prod(axis=2)
    whole = allowed & (cut <= 0)
    allowed = np.where(whole.any(axis=1, keepdims=True), whole, allowed)
    least = np.where(allowed, loss, np.inf).min(axis=1, keepdims=True)
    allowed &= loss <= np.maximum(least, settings.max_loss)
    area = buckets.prod(axis=1) / settings.image_size**2
    ties = [list(shake_256(view.frame.encode()).digest(len(buckets))) for view in views]
    costs = np.rint((loss + cut + AREA_COST * (1 - area)) / UNIT) + np.array(ties).reshape(loss.shape) % TIE_UNITS
    return np.where(allowed, costs, np.inf)


def _box_size(box: Region | None) -> Size:
    """A view without a box counts as one whose box is a pixel: no window cuts it."""
    return (1, 1) if box is None else (box[2] - box[0], box[3] - box[1])


def choose_crops(views: Sequence[View], settings: CropSettings, batch: int) -> dict[str, Crop]:
    """The crop of each view by its frame, decided for all together: full batches, then least loss.

    A view that is too small for every bucket is left out. The result does not depend on the order of the views.
    """
    ordered = sorted(views, key=lambda view: (view.size[0] / view.size[1], view.frame))
    costs = crop_costs(ordered, settings)
    fits = np.isfinite(costs).any(axis=1)
    ordered = [view for view, fit in zip(ordered, fits, strict=True) if fit]
    sizes = target_buckets(settings)
    chosen = assign_buckets(costs[fits], batch)
    return {view.frame: place_window(view, sizes[bucket]) for view, bucket in zip(ordered, chosen, strict=True)}


def choose_crop(photo: Size, box: Box | None, settings: CropSettings) -> Crop | None:
    """The crop of a photo alone: None where it is too small for every bucket. Without a box the window is centred."""
    region = (0, 0, *photo)
    view = View("", region, None if box is None else whole_pixels(box, region))
    return choose_crops([view], settings, 1).get("")
