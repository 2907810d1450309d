"""Local features of photos: what a crop, a turned or a retouched copy still shares with its original."""

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from PIL import Image

from darkroom.imaging import thumbnails
from darkroom.photos import ranks as ranking
from darkroom.photos.ranks import ranks
from darkroom.storage.cache import Cache, cache_key
from darkroom.storage.code_version import code_version

# What decides them: for `code_version`.
MODULES = (*thumbnails.MODULES, ranking, sys.modules[__name__])
FEATURES = 500
# Corners among which they are chosen, the levels of the pyramid and the step between them, and the cells along each
# side from which corners are taken in turn.
CORNERS = 4 * FEATURES
LEVELS, SCALE = 8, 1.2
CELLS = 8
# Side in pixels of what is looked at around a corner.
PATCH = 31


PACKED = np.dtype(
    [
        ("mirrored", np.bool_),
        ("points", np.float32, 2),
        ("descriptors", np.uint8, 32),
        ("angles", np.float32),
        ("octaves", np.uint8),
    ]
)


@dataclass(frozen=True)
class Features:
    """Local features of a picture.

    `points` (n, 2) in pixels, float32; `descriptors` (n, 32), uint8; `angles` (n,) in degrees, float32; `octaves` (n,),
    the level of the pyramid on which each was found, uint8.
    """

    points: np.ndarray
    descriptors: np.ndarray
    angles: np.ndarray
    octaves: np.ndarray


NOTHING = Features(
    np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8), np.zeros(0, np.float32), np.zeros(0, np.uint8)
)
# The grey levels of a picture, (height, width), uint8.
Grey = np.ndarray
# A photo's features, upright and mirrored: mirrored corners are described otherwise.
FeaturePair = tuple[Features, Features]


@dataclass(frozen=True)
class PhotoFeatures:
    """A photo's local features, upright and mirrored, and its thumbnail in grey, loaded where it is asked for."""

    upright: Features
    mirrored: Features
    load_grey: Callable[[], Grey]

    @cached_property
    def grey(self) -> Grey:
        """The thumbnail in grey."""
        return self.load_grey()


def grey_levels(thumbnail: Image.Image) -> Grey:
    """A thumbnail in grey."""
    return np.asarray(thumbnail.convert("L"))


def cached_features(cache: Cache, sha256: str, load_grey: Callable[[], Grey]) -> FeaturePair:
    """The features of a photo from the cache; where they are missing, found in its grey thumbnail and kept."""
    key = cache_key(stage="features", thumbnail=thumbnails.thumbnail_key(sha256), code=code_version(*MODULES))
    data = cache.load_bytes(key, ".npy")
    if data is not None:
        return unpack(data)
    found = detect_both(load_grey())
    cache.store_bytes(key, ".npy", pack(found))
    return found


def detect_both(grey: np.ndarray) -> FeaturePair:
    """ORB features (Rublee et al. 2011) of a grey picture (height, width), uint8, and of its mirror image.

    Both have the same corners: one is a corner of the mirror image, too, and is only described anew. A picture without
    room for a patch has none.
    """
    if min(grey.shape) < PATCH:
        return NOTHING, NOTHING
    detector = cv2.ORB.create(
        nfeatures=CORNERS, nlevels=LEVELS, scaleFactor=SCALE, edgeThreshold=15, patchSize=PATCH, fastThreshold=7
    )
    corners = detector.detect(grey, None)
    chosen = [corners[number] for number in _spread(corners, grey.shape)]
    mirrored = [_mirrored(corner, grey.shape[1]) for corner in chosen]
    return (
        _features(*detector.compute(grey, chosen)),
        _features(*detector.compute(np.ascontiguousarray(grey[:, ::-1]), mirrored)),
    )


def _mirrored(corner: cv2.KeyPoint, width: int) -> cv2.KeyPoint:
    x, y = corner.pt
    return cv2.KeyPoint(
        width - 1 - x, y, corner.size, (180 - corner.angle) % 360, corner.response, corner.octave, corner.class_id
    )


def _features(points: Sequence[cv2.KeyPoint], descriptors: np.ndarray | None) -> Features:
    return Features(
        np.array([point.pt for point in points], np.float32).reshape(-1, 2),
        np.zeros((0, 32), np.uint8) if descriptors is None else descriptors,
        np.array([point.angle for point in points], np.float32),
        np.array([point.octave for point in points], np.uint8),
    )


def _spread(corners: Sequence[cv2.KeyPoint], shape: tuple[int, ...]) -> list[int]:
    """The numbers of the corners to describe: of each level of the pyramid the strongest, and as many from all over.

    A text laid over a photo has the strongest corners of all, and a copy without it has none of them.
    """
    level = np.array([corner.octave for corner in corners], int)
    response = np.array([corner.response for corner in corners])
    positions = np.array(cv2.KeyPoint.convert(corners), np.float64).reshape(-1, 2)
    column, row = (positions / [shape[1], shape[0]] * CELLS).astype(int).T
    chosen: list[int] = []
    for number, quota in enumerate(_quotas()):
        members = np.flatnonzero(level == number)
        members = members[np.argsort(-response[members], kind="stable")]
        strongest, others = members[: quota // 2], members[quota // 2 :]
        turns = ranks(row[others] * CELLS + column[others])
        everywhere = others[np.argsort(turns, kind="stable")][: quota - quota // 2]
        chosen += [*strongest.tolist(), *everywhere.tolist()]
    return chosen


@cache
def _quotas() -> list[int]:
    """How many of the FEATURES each level of the pyramid has: in proportion to its side, as in ORB."""
    shares = SCALE ** -np.arange(LEVELS)
    quotas = np.floor(FEATURES * shares / shares.sum()).astype(int)
    quotas[0] += FEATURES - quotas.sum()
    return [int(quota) for quota in quotas]


def pack(features: FeaturePair) -> bytes:
    """The features of a photo, upright and mirrored, as the bytes of one array."""
    packed = np.zeros(sum(len(part.points) for part in features), PACKED)
    packed["mirrored"][len(features[0].points) :] = True
    for name in Features.__dataclass_fields__:
        packed[name] = np.concatenate([getattr(part, name) for part in features])
    file = io.BytesIO()
    np.save(file, packed)
    return file.getvalue()


def unpack(data: bytes) -> FeaturePair:
    """What `pack` has packed. Raises ValueError where the bytes are damaged."""
    packed = np.load(io.BytesIO(data), allow_pickle=False)
    upright, mirrored = (
        Features(*(np.ascontiguousarray(part[name]) for name in Features.__dataclass_fields__))
        for part in (packed[~packed["mirrored"]], packed[packed["mirrored"]])
    )
    return upright, mirrored
