"""The raw numbers of a mask: how much it covers, in how many pieces, how sure it is, and how well two masks agree."""

from typing import Any

import cv2
import numpy as np
from PIL import Image

PixelBox = tuple[int, int, int, int]

# From here on a pixel belongs to the subject.
SUBJECT = 128
# Pieces and holes smaller than this share of the photo are specks.
SPECK = 0.001
# Pieces and holes are counted at this longer side, so that their number does not depend on the photo's size.
COUNTED_SIDE = 320


def subject_box(mask: Image.Image) -> PixelBox | None:
    """x0, y0, x1, y1 (the last two exclusive) of the pixels of the subject; None where there are none."""
    return mask.point(lambda level: 255 * (level >= SUBJECT)).getbbox()


def agreement(first: Image.Image, second: Image.Image) -> float:
    """The intersection over union of two masks of one size; 1 where both are empty."""
    one, other = np.asarray(first) >= SUBJECT, np.asarray(second) >= SUBJECT
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 1.0


def _parts(mask: np.ndarray) -> list[int]:
    """Areas of the connected parts of a boolean mask, specks left out, largest first."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = sorted((int(stats[number, cv2.CC_STAT_AREA]) for number in range(1, count)), reverse=True)
    return [area for area in areas if area >= SPECK * mask.size]


def _holes(mask: np.ndarray) -> int:
    """How many parts of the background the subject encloses."""
    outside = np.pad(~mask, 1, constant_values=True)
    return max(0, len(_parts(outside)) - 1)


def describe_mask(mask: Image.Image) -> dict[str, Any]:
    """The raw numbers of masks.csv for a mask.

    `coverage` is the mean of the mask (0 to 1); x0, y0, x1, y1 the box of the pixels from SUBJECT on, empty where
    there is none; `largest` the share of the subject in its largest piece; `border` the share of the photo's edge
    that is subject; `certainty` the mean of the mask over the subject; `expected` the intersection over union with the
    true mask that would be expected if the levels were honest probabilities.
    """
    values = np.asarray(mask)
    subject = values >= SUBJECT
    box = subject_box(mask)
    small = mask.copy()
    small.thumbnail((COUNTED_SIDE, COUNTED_SIDE), Image.Resampling.BILINEAR)
    counted = np.asarray(small) >= SUBJECT
    pieces = _parts(counted)
    edge = np.concatenate([subject[0], subject[-1], subject[1:-1, 0], subject[1:-1, -1]])
    return {
        "coverage": float(values.mean()) / 255,
        **dict(zip(("x0", "y0", "x1", "y1"), box or (None,) * 4, strict=True)),
        "pieces": len(pieces),
        "largest": pieces[0] / sum(pieces) if pieces else 0.0,
        "holes": _holes(counted),
        "border": float(edge.mean()),
        "certainty": float(values[subject].mean()) / 255 if box else 0.0,
        "expected": float(values[subject].sum()) / (255 * subject.sum() + values[~subject].sum()) if box else 0.0,
    }
