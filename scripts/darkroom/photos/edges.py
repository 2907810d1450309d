"""Edges between photos: two that were aligned and found to be copies of one picture, or shots of one burst."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from darkroom.config.photos import DuplicateSettings
from darkroom.imaging.camera_raw import RAW
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos.alignment import Alignment
from darkroom.photos.capture_times import seconds_between

Kind = Literal["recompressed", "mirrored", "rotated", "cropped", "burst"]

# A copy that shows less of the picture than this is called cropped.
WHOLE = 0.95
# Hashes of a photo and of one with a mark over it are so near, and half of it correlates so well. Where those of whole
# photos are not, because one of them is cropped, three quarters of what both show correlate so well.
MARKED_DISTANCE = 64
MARKED = 0.9
# A crop with so many times the pixels of the whole picture is not cropped from it: that is a small copy.
FINER = 4
# Two photos of one scene correlate at least so much all over, whatever moved; copies much more.
SCENE_LIKENESS = 0.5


@dataclass(frozen=True)
class Edge:
    """Two photos found to be copies or shots of one burst. `alignment` lays `second` over `first`."""

    first: str
    second: str
    burst: bool
    alignment: Alignment

    def other(self, photo: str) -> str:
        """The one of the two that is not this."""
        return self.second if photo == self.first else self.first

    def overlap(self, photo: str) -> float:
        """The share of one of the two that the other shows as well."""
        return self.alignment.covers_first if photo == self.first else self.alignment.covers_second

    def framed(self, photo: str) -> bool:
        """Whether one of the two shows nothing more than the other but bars or a border."""
        return self.alignment.framed_first if photo == self.first else self.alignment.framed_second

    def marked(self, photo: str) -> bool:
        """Whether something lies over one of the two that the other does not have."""
        return self.alignment.marked_first if photo == self.first else self.alignment.marked_second

    def kind(self, copy: str) -> Kind:
        """What the one that is not kept is to the one that is."""
        if self.burst:
            return "burst"
        if self.alignment.mirrored:
            return "mirrored"
        if abs(self.alignment.degrees) > 2:
            return "rotated"
        return "cropped" if self.overlap(self.other(copy)) < WHOLE else "recompressed"


def judge_pair(
    first: PhotoFile, second: PhotoFile, alignment: Alignment | None, distance: int, settings: DuplicateSettings
) -> Edge | None:
    """Whether two aligned photos are copies of one picture, shots of one burst, or neither.

    Copies correlate nearly everywhere. With a text or a mark over one of them they do in half of the places, if their
    hashes are near (`distance`); if only those of what both show are, in three quarters of them, because two shots of
    one scene correlate in most places, too. Where each of the two has something of its own, neither is a copy.
    Shots of one scene may be as alike as copies; then their capture times tell them apart, which copies share.
    """
    if alignment is None:
        return None
    seconds = seconds_between(first, second)
    close = seconds is not None and seconds <= settings.burst_seconds
    marked = (distance <= MARKED_DISTANCE and alignment.median >= MARKED) or (
        alignment.distance <= MARKED_DISTANCE and alignment.quartile >= MARKED
    )
    alike = (alignment.correlation >= settings.min_correlation or marked) and not alignment.contradicting
    if alike and not seconds:
        return Edge(first.photo, second.photo, False, alignment)
    if close and not alignment.mirrored and alignment.likeness >= SCENE_LIKENESS:
        return Edge(first.photo, second.photo, True, alignment)
    return None


def edges_of_each(edges: Iterable[Edge]) -> Mapping[str, list[Edge]]:
    """The edges of each photo."""
    found: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[edge.first].append(edge)
        found[edge.second].append(edge)
    return found


def preference(
    photos: Iterable[PhotoFile], copies: Mapping[str, Sequence[Edge]]
) -> Callable[[PhotoFile], tuple[object, ...]]:
    """The order in which photos of one group are kept, smallest first, without names; `copies` are each one's edges.

    Whole pictures before crops of them, unless the crops have FINER times their pixels; pictures before those with
    bars, a border or a page around them, or with a mark over them; then more pixels, a capture time (an original has
    one), less compression, a larger file, the earlier shot, and the hash of the bytes. A camera raw counts half its
    pixels: a finished picture of about its size is what its owner wants to see.
    """
    pixels = {photo.photo: math.prod(photo.size) / (2 if photo.format == RAW else 1) for photo in photos}
    framed = {name for name, found in copies.items() if any(edge.framed(name) for edge in found)}

    def is_cropped(name: str, edge: Edge) -> bool:
        other = edge.other(name)
        if other in framed or pixels[name] >= FINER * pixels[other]:
            return False
        return edge.overlap(name) - edge.overlap(other) > 1 - WHOLE

    def order(photo: PhotoFile) -> tuple[object, ...]:
        name = photo.photo
        own = copies.get(name, [])
        cropped = any(is_cropped(name, edge) for edge in own)
        marked = any(edge.marked(name) for edge in own)
        quality = photo.jpeg_quality or 100
        file = (not photo.taken_at, -quality, -(photo.bytes or 0), photo.taken_at, photo.sha256)
        return (cropped, name in framed, marked, -pixels[name], *file)

    return order
