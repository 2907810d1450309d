"""Local features of photos: what a crop, a turned or a retouched copy still shares with its original."""

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from darkroom import thumbnails
from darkroom.cache import Cache, cache_key, code_version

FEATURES = 500


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


# A photo's features, upright and mirrored: mirrored corners are described otherwise.
Both = tuple[Features, Features]


@dataclass(frozen=True)
class Sketch:
    """A photo's thumbnail in grey (height, width), uint8, with its local features, upright and mirrored."""

    grey: np.ndarray
    upright: Features
    mirrored: Features


def grey_levels(thumbnail: Image.Image) -> np.ndarray:
    """A thumbnail in grey, (height, width), uint8."""
    return np.asarray(thumbnail.convert("L"))


def remembered_features(memory: Cache, sha256: str, load_grey: Callable[[], np.ndarray]) -> Both:
    """The features of a photo from the cache; where they are missing, found in its grey thumbnail and kept."""
    version = code_version(thumbnails, sys.modules[__name__])
    key = cache_key(stage="features", thumbnail=thumbnails.thumbnail_key(sha256), code=version)
    data = memory.load_bytes(key, ".npz")
    if data is not None:
        return unpack(data)
    found = detect_both(load_grey())
    memory.store_bytes(key, ".npz", pack(found))
    return found


def detect_both(grey: np.ndarray) -> Both:
    """ORB features (Rublee et al. 2011) of a grey picture (height, width), uint8, and of its mirror image."""
    cv2.setNumThreads(1)
    detector = cv2.ORB.create(nfeatures=FEATURES, edgeThreshold=15, patchSize=31, fastThreshold=7)
    mirrored = np.ascontiguousarray(grey[:, ::-1])
    return _features(*detector.detectAndCompute(grey, None)), _features(*detector.detectAndCompute(mirrored, None))


def _features(points: Sequence[cv2.KeyPoint], descriptors: np.ndarray | None) -> Features:
    return Features(
        np.array([point.pt for point in points], np.float32).reshape(-1, 2),
        np.zeros((0, 32), np.uint8) if descriptors is None else descriptors,
        np.array([point.angle for point in points], np.float32),
        np.array([point.octave for point in points], np.uint8),
    )


def pack(features: Both) -> bytes:
    """The features of a photo, upright and mirrored, as the bytes of an npz archive."""
    file = io.BytesIO()
    names = ("upright", "mirrored")
    arrays = {
        f"{name}_{key}": value for name, part in zip(names, features, strict=True) for key, value in vars(part).items()
    }
    np.savez(file, **arrays)
    return file.getvalue()


def unpack(data: bytes) -> Both:
    """What `pack` has packed. Raises ValueError where the bytes are damaged."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        upright, mirrored = (
            Features(*(arrays[f"{name}_{key}"] for key in Features.__dataclass_fields__))
            for name in ("upright", "mirrored")
        )
    return upright, mirrored
