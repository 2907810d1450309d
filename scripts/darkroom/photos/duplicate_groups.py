"""Groups of photos that show one picture: copies of it, and shots of one burst.

Hashes propose, geometry decides. A copy is the same picture: recompressed, resized, mirrored, turned or cropped. A
burst is several shots within seconds. Every member of a group is verified against the photo that it is said to be of,
so that chains cannot grow, and that photo is chosen by an order in which no file name and no file order takes part.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from darkroom.cache import Cache
from darkroom.photos.alignment import Alignment
from darkroom.photos.feature_index import shared_features
from darkroom.photos.hash_neighbours import near_pairs, nearest_orientations
from darkroom.photos.local_features import Both, Sketch
from darkroom.photos.pair_alignments import align_pairs
from darkroom.photos.settings import DuplicateSettings
from darkroom.progress import progress
from darkroom.tables import Row

Kind = Literal["recompressed", "mirrored", "rotated", "cropped", "burst"]

COLUMNS = ("photo", "group", "kind", "of", "score", "overlap")
# With so many other photos at the most is a photo aligned because of shared features, those with most of them first.
CANDIDATES = 20
# A copy that shows less of the picture than this is called cropped.
WHOLE = 0.95
# Hashes of a photo and of one with a mark over it are so near, and half of it correlates so well.
MARKED_DISTANCE = 64
MARKED_MEDIAN = 0.9
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

    def kind(self, copy: str) -> Kind:
        """What the one that is not kept is to the one that is."""
        if self.burst:
            return "burst"
        if self.alignment.mirrored:
            return "mirrored"
        if abs(self.alignment.degrees) > 2:
            return "rotated"
        return "cropped" if self.overlap(self.other(copy)) < WHOLE else "recompressed"


def seconds_between(first: Row, second: Row) -> float | None:
    """Seconds between two captures, None where either is unknown."""
    if not (first["taken_at"] and second["taken_at"]):
        return None
    times = [datetime.fromisoformat(row["taken_at"]).replace(tzinfo=None) for row in (first, second)]
    return abs((times[0] - times[1]).total_seconds())


def propose_pairs(
    photos: Sequence[Row], fingerprints: Sequence[Row], features: Sequence[Both], settings: DuplicateSettings
) -> list[tuple[int, int]]:
    """Pairs of row numbers worth aligning: with near hashes, with shared features, or taken within a burst's time."""
    pairs = near_pairs(fingerprints, settings.hash_distance)
    pairs |= shared_features(features, settings.min_shared_features, CANDIDATES)
    timed = sorted((row["taken_at"], number) for number, row in enumerate(photos) if row["taken_at"])
    for place, (_, number) in enumerate(timed):
        for _, later in timed[place + 1 :]:
            if (seconds_between(photos[number], photos[later]) or 0.0) > settings.burst_seconds:
                break
            pairs.add(_in_order(number, later))
    return sorted(pairs)


def _in_order(first: int, second: int) -> tuple[int, int]:
    return min(first, second), max(first, second)


def judge_pair(
    first: Row, second: Row, alignment: Alignment | None, distance: int, settings: DuplicateSettings
) -> Edge | None:
    """Whether two aligned photos are copies of one picture, shots of one burst, or neither.

    Copies correlate nearly everywhere; with a text or a mark laid over one of them, in most places, and their hashes
    are near: `distance` is that of the hashes. Two shots of one scene correlate in most places, too, but not as whole
    photos.
    Shots of one burst may be as alike as copies; then their capture times tell them apart, which copies share.
    """
    if alignment is None:
        return None
    seconds = seconds_between(first, second)
    close = seconds is not None and seconds <= settings.burst_seconds
    alike = alignment.correlation >= settings.min_correlation or (
        distance <= MARKED_DISTANCE and alignment.median >= MARKED_MEDIAN
    )
    if alike and (not close or seconds == 0):
        return Edge(first["photo"], second["photo"], False, alignment)
    if close and not alignment.mirrored and alignment.likeness >= SCENE_LIKENESS:
        return Edge(first["photo"], second["photo"], True, alignment)
    return None


def find_edges(
    photos: Sequence[Row],
    fingerprints: Sequence[Row],
    features: Sequence[Both],
    load_grey: Callable[[Row], np.ndarray],
    settings: DuplicateSettings,
    memory: Cache,
) -> tuple[list[Edge], int]:
    """Align the proposed pairs and keep those that are copies or a burst; also how many alignments were computed.

    `photos`, `fingerprints` and `features` are in one order, in which names take no part; `load_grey` gives a photo's
    thumbnail, (height, width), uint8.
    """
    places = {row["photo"]: place for place, row in enumerate(photos)}
    nearest = nearest_orientations(fingerprints)

    def load_sketch(row: Row) -> Sketch:
        return Sketch(load_grey(row), *features[places[row["photo"]]])

    def orientation_to_try(first: int, second: int, distance: int, orientation: str) -> str | None:
        if distance <= settings.hash_distance:
            return orientation
        # Shots of one burst lie alike even where too much has moved for hashes and features.
        seconds = seconds_between(photos[first], photos[second])
        return "upright" if seconds is not None and seconds <= settings.burst_seconds else None

    edges: list[Edge] = []
    computed = 0
    tried: set[tuple[int, int]] = set()
    pairs = propose_pairs(photos, fingerprints, features, settings)
    while pairs:
        near = [nearest(*pair) for pair in pairs]
        wanted = (
            (photos[first], photos[second], orientation_to_try(first, second, *hashes))
            for (first, second), hashes in zip(pairs, near, strict=True)
        )
        found = progress(align_pairs(wanted, load_sketch, memory), "duplicates", "pairs", total=len(pairs))
        for (first, second), (distance, _), (alignment, fresh) in zip(pairs, near, found, strict=True):
            computed += fresh
            edge = judge_pair(photos[first], photos[second], alignment, distance, settings)
            if edge is not None:
                edges.append(edge)
        tried.update(pairs)
        pairs = sorted(_through_others(photos, places, edges) - tried)
    return edges, computed


def _through_others(photos: Sequence[Row], places: Mapping[str, int], edges: Sequence[Edge]) -> set[tuple[int, int]]:
    """The photo that would be kept of each that hang together by copies, with every other of them.

    A small crop may be like its original only through a larger one; whether it is a copy is then seen for itself.
    """
    root = {row["photo"]: row["photo"] for row in photos}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = name = root[root[name]]
        return name

    copies = [edge for edge in edges if not edge.burst]
    for edge in copies:
        root[find(edge.first)] = find(edge.second)
    groups: dict[str, list[str]] = defaultdict(list)
    for edge in copies:
        groups[find(edge.first)] += [edge.first, edge.second]
    of_photo = _edges_of(copies)
    pairs = set()
    for names in groups.values():
        kept = min(set(names), key=lambda name: preference(photos[places[name]], of_photo[name]))
        pairs |= {_in_order(places[kept], places[name]) for name in names if name != kept}
    return pairs


def _edges_of(edges: Sequence[Edge]) -> Mapping[str, list[Edge]]:
    """The edges of each photo."""
    found: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[edge.first].append(edge)
        found[edge.second].append(edge)
    return found


def preference(photo: Row, edges: Sequence[Edge]) -> tuple[object, ...]:
    """The order in which photos of one group are kept, smallest first, without names; `edges` are those of the photo.

    Whole pictures before crops of them, pictures before those with bars or a border around them, then more pixels, a
    capture time (an original has one), less compression, a larger file, the earlier shot, and the hash of the bytes.
    """
    name = photo["photo"]
    copies = [edge for edge in edges if not edge.burst]
    cropped = any(
        edge.overlap(name) - edge.overlap(edge.other(name)) > 1 - WHOLE and not edge.framed(edge.other(name))
        for edge in copies
    )
    framed = any(edge.framed(name) for edge in copies)
    pixels = int(photo["width"]) * int(photo["height"])
    quality = int(photo["jpeg_quality"] or 100)
    file = (not photo["taken_at"], -quality, -int(photo["bytes"]), photo["taken_at"], photo["sha256"])
    return (cropped, framed, -pixels, *file)


def _stars(names: Sequence[str], edges: Sequence[Edge], order: Callable[[str], object]) -> dict[str, Edge]:
    """Give each photo that is not kept the edge to the photo that is.

    The best photo is kept and takes all its verified neighbours; the best of those left over is next. So a chain
    a-b-c without an edge a-c never becomes one group around a.
    """
    of_photo = _edges_of(edges)
    taken: dict[str, Edge] = {}
    kept: set[str] = set()
    for name in sorted(names, key=order):  # type: ignore[arg-type]
        if name in taken:
            continue
        kept.add(name)
        for edge in of_photo[name]:
            other = edge.other(name)
            if other not in taken and other not in kept:
                taken[other] = edge
    return taken


def group_duplicates(photos: Sequence[Row], edges: Sequence[Edge]) -> Iterator[dict[str, object]]:
    """Yield the rows of duplicates.csv.

    Copies are grouped first, then the kept ones into bursts; a copy of a shot of a burst is in the burst's group and
    names its own original. `group` is the photo at the root, empty for a photo without relatives; `score` is the
    correlation that proved the relation, `overlap` the share of the original that the copy shows.
    """
    by_name = {row["photo"]: row for row in photos}
    of_photo = _edges_of(edges)
    ranks = {name: preference(row, of_photo[name]) for name, row in by_name.items()}

    def order(name: str) -> tuple[object, ...]:
        return ranks[name]

    copies = _stars(list(by_name), [edge for edge in edges if not edge.burst], order)
    kept = [name for name in by_name if name not in copies]
    bursts = _stars(kept, [edge for edge in edges if edge.burst and edge.first in kept and edge.second in kept], order)
    relations: Mapping[str, Edge] = copies | bursts
    roots = {}
    for name in by_name:
        root = name
        while root in relations:
            root = relations[root].other(root)
        roots[name] = root
    related = {root for name, root in roots.items() if name != root}
    for name, root in roots.items():
        edge = relations.get(name)
        group = root if root in related else ""
        if edge is None:
            yield {"photo": name, "group": group, "kind": "", "of": "", "score": None, "overlap": None}
        else:
            of = edge.other(name)
            score = edge.alignment.likeness if edge.burst else edge.alignment.correlation
            yield {
                **{"photo": name, "group": group, "kind": edge.kind(name), "of": of},
                **{"score": score, "overlap": edge.overlap(of)},
            }
