"""The bucket of a photo and the window that is cut for it: sizes, aspect ratios and the subject's box."""

import math
from dataclasses import dataclass
from functools import cache

from darkroom.framing.settings import CropSettings

# A bucket whose area is a smaller share of the square's than this wastes resolution.
LEAST_AREA = 0.85
Box = tuple[float, float, float, float]
Size = tuple[int, int]


@dataclass(frozen=True)
class Crop:
    """A window in whole pixels of the opened photo and the bucket (width, height) that it is resized to.

    `cut` is the area of the subject's box, in photo pixels, that lies outside the window.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    bucket: Size
    cut: float


@cache
def bucket_sizes(resolution: int, step: int, max_aspect: float) -> tuple[Size, ...]:
    """Every (width, height), both multiples of `step`, with an area of at most resolution squared and not much less.

    For each width the largest height that fits, as sd-scripts does, and the same turned; the square comes first.
    """
    area = resolution * resolution
    sizes = set()
    for width in range(step, int(math.sqrt(area * max_aspect)) + 1, step):
        height = area // width // step * step
        if height and width * height >= LEAST_AREA * area and max(width, height) <= max_aspect * min(width, height):
            sizes |= {(width, height), (height, width)}
    return tuple(sorted(sizes or {(resolution // step * step,) * 2}, key=lambda size: (size[0] != size[1], size)))


def window_size(photo: Size, bucket: Size) -> Size:
    """The largest window of the bucket's shape in a photo, in whole pixels."""
    scale = min(photo[0] / bucket[0], photo[1] / bucket[1])
    return min(photo[0], round(bucket[0] * scale)), min(photo[1], round(bucket[1] * scale))


def _start(length: int, window: int, low: float, high: float) -> int:
    """Where a window starts on one axis: centred on the box, all of the box inside where it fits."""
    start = (low + high - window) / 2
    if high - low <= window:
        start = min(max(start, high - window), low)
    return int(min(max(round(start), 0), length - window))


def place_window(photo: Size, bucket: Size, box: Box) -> Crop:
    """Place the largest window of the bucket's shape so that the subject's box lies inside, as far as it can."""
    width, height = window_size(photo, bucket)
    x0, y0 = _start(photo[0], width, box[0], box[2]), _start(photo[1], height, box[1], box[3])
    inside_x = max(0.0, min(box[2], x0 + width) - max(box[0], x0))
    inside_y = max(0.0, min(box[3], y0 + height) - max(box[1], y0))
    cut = (box[2] - box[0]) * (box[3] - box[1]) - inside_x * inside_y
    return Crop(x0, y0, x0 + width, y0 + height, bucket, cut)


def choose_crop(photo: Size, box: Box | None, settings: CropSettings) -> Crop | None:
    """The crop of a photo: the bucket that cuts least of the subject's box, then the nearest shape.

    Buckets larger than the window are left out unless `settings.upscale`; None where none is left. Without a box the
    window is centred.
    """
    wanted = math.log(photo[0] / photo[1])
    whole: Box = (0.0, 0.0, float(photo[0]), float(photo[1]))
    crops = []
    for bucket in bucket_sizes(settings.resolution, settings.bucket_step, settings.max_aspect):
        crop = place_window(photo, bucket, box or whole)
        enough = crop.x1 - crop.x0 >= bucket[0] and crop.y1 - crop.y0 >= bucket[1]
        if enough or settings.upscale:
            distance = abs(math.log(bucket[0] / bucket[1]) - wanted)
            cut = crop.cut if box is not None else 0.0
            crops.append(((round(cut), round(distance, 9), -bucket[0] * bucket[1], bucket), crop))
    return min(crops, key=lambda item: item[0])[1] if crops else None
