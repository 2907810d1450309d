"""How alike two photos are at a glance, without a model: by where which colours and edges lie in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache

# A glance: colours in cells of a grid, and edges in finer cells, of a picture of this side.
SIDE = 64
COLOUR_CELLS, COLOUR_LEVELS = 2, 4
EDGE_CELLS, EDGE_DIRECTIONS = 4, 8
# Gradients below this many grey levels are noise.
FAINT = 4.0


def photo_likenesses(
    photos: Mapping[str, PhotoFile], folder: Path, thumbnails: Cache, names: Sequence[str]
) -> np.ndarray:
    """The likeness (n, n) of n photos to each other; `photos` are by name."""
    return likenesses(np.array([glance(load_thumbnail(thumbnails, photos[name], folder)) for name in names]))


def vector_likenesses(vectors: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """The likeness (n, n) of n photos to each other by unit vectors of an embedding: their cosine."""
    return likenesses(np.array([vectors[name] for name in names]))


def glance(picture: Image.Image) -> np.ndarray:
    """A unit vector of an RGB picture, float32, none of its numbers negative; the product of two is their likeness.

    Square roots of histograms, whose product is the Bhattacharyya coefficient: colours, COLOUR_LEVELS per channel and
    shared between neighbouring levels, in COLOUR_CELLS by COLOUR_CELLS cells, and directions of edges (after Dalal and
    Triggs 2005) in EDGE_CELLS by EDGE_CELLS cells. Both halves weigh the same.
    """
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX).convert("RGB"), np.float32)
    halves = (_colours(small), _edges(small @ np.array([0.299, 0.587, 0.114], np.float32)))
    return np.concatenate([np.sqrt(half / 2) for half in halves]).astype(np.float32)


def likenesses(glances: np.ndarray) -> np.ndarray:
    """The likeness, from 0 to 1, of each of the vectors (n, numbers) to each: (n, n), float64."""
    # By einsum and not BLAS: the order of its sums depends on no number of threads.
    return np.clip(np.einsum("ik,jk->ij", glances, glances, dtype=np.float64), 0, 1)


def _colours(small: np.ndarray) -> np.ndarray:
    """The colour histograms of all cells in a row, with sum 1."""
    place = np.clip(small / 256 * COLOUR_LEVELS - 0.5, 0, COLOUR_LEVELS - 1)
    low = np.minimum(place.astype(int), COLOUR_LEVELS - 2)
    up = place - low
    cell = _cells(COLOUR_CELLS)
    histogram = np.zeros((COLOUR_CELLS**2, COLOUR_LEVELS**3))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, up, 1 - up), axis=2)
        colour = ((low + corner) @ [COLOUR_LEVELS**2, COLOUR_LEVELS, 1]).astype(int)
        np.add.at(histogram, (cell.ravel(), colour.ravel()), weight.ravel())
    return (histogram / histogram.sum()).ravel()


def _edges(grey: np.ndarray) -> np.ndarray:
    """The histograms of the directions of edges of all cells in a row, with sum 1."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(grey, cv2.CV_32F, 0, 1) / 8
    strength = np.hypot(across, down)
    direction = (np.arctan2(down, across) / np.pi * EDGE_DIRECTIONS).round().astype(int) % EDGE_DIRECTIONS
    # A trace in every bin, so that pictures without edges are alike.
    histogram = np.full((EDGE_CELLS**2, EDGE_DIRECTIONS), FAINT)
    np.add.at(
        histogram, (_cells(EDGE_CELLS).ravel(), direction.ravel()), np.where(strength > FAINT, strength, 0).ravel()
    )
    return (histogram / histogram.sum()).ravel()


def _cells(along: int) -> np.ndarray:
    """The number of the cell, of `along` by `along`, of each pixel: (SIDE, SIDE)."""
    line = np.arange(SIDE) * along // SIDE
    return line[:, None] * along + line
