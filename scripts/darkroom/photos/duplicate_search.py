"""The search for copies and bursts: hashes and features propose, geometry decides, and nobody stays uncompared.

Photos that hang together by copies are a family. Of a family not all pairs are aligned: each of its photos is compared
with those that would be kept, until it is found to be a copy of one of them or is kept itself.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from darkroom.config.photos import DuplicateSettings
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos.capture_times import seconds_between
from darkroom.photos.edges import Edge, edges_of_each, judge_pair, preference
from darkroom.photos.fingerprints import Fingerprint
from darkroom.photos.hash_neighbours import nearest_orientations
from darkroom.photos.pair_alignments import PairAlignments, Wanted
from darkroom.photos.pairs import EITHER, Mirrors, Pair, in_order

# So many pairs are aligned side by side before what they say is looked at, however many cores there are.
BATCH = 128


class Families:
    """Which numbers hang together."""

    def __init__(self, count: int) -> None:
        self.parents = list(range(count))

    def root(self, number: int) -> int:
        """The number that stands for all that hang together with this one."""
        while self.parents[number] != number:
            self.parents[number] = number = self.parents[self.parents[number]]
        return number

    def join(self, first: int, second: int) -> None:
        """Make two hang together."""
        self.parents[self.root(first)] = self.root(second)

    def members(self) -> list[list[int]]:
        """The families of more than one."""
        found: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self.parents)):
            found[self.root(number)].append(number)
        return [family for family in found.values() if len(family) > 1]


class DuplicateSearch:
    """Photos and their fingerprints, in one order in which names take no part, and what is found out about them."""

    def __init__(
        self,
        photos: Sequence[PhotoFile],
        fingerprints: Sequence[Fingerprint],
        alignments: PairAlignments,
        settings: DuplicateSettings,
    ) -> None:
        self.photos = photos
        self.alignments = alignments
        self.settings = settings
        self.nearest = nearest_orientations(fingerprints)
        self.families = Families(len(photos))
        self.edges: list[Edge] = []
        # Pairs that need no other look, because they are copies or in no mirror are.
        self.settled: set[Pair] = set()

    def run(self, proposed: Mapping[Pair, Mirrors]) -> list[Edge]:
        """Align the proposed pairs and those that follow from them; return what are copies or a burst.

        A proposed pair is looked at in the mirrors that are named with it and in that of near hashes; in either where
        there are none of them.
        """
        self._align(sorted(proposed), proposed, "duplicates")
        while pairs := self._uncompared():
            self._align(pairs, dict.fromkeys(pairs, EITHER), "copies of copies", within=True)
        return self.edges

    def _align(self, pairs: Sequence[Pair], mirrors: Mapping[Pair, Mirrors], what: str, within: bool = False) -> None:
        """Align pairs, of one family only where asked."""
        starts = range(0, len(pairs), BATCH)
        for start in progress(starts, what, f"batches of {BATCH} pairs"):
            batch = pairs[start : start + BATCH]
            self._look_at([(pair, mirrors[pair]) for pair in batch if within or not self._one_family(*pair)])

    def _one_family(self, first: int, second: int) -> bool:
        return self.families.root(first) == self.families.root(second)

    def _look_at(self, pairs: Sequence[tuple[Pair, Mirrors]]) -> None:
        near = [self.nearest(*pair) for pair, _ in pairs]
        wanted = [self._wanted(*pair, *hashes) for pair, hashes in zip(pairs, near, strict=True)]
        found = self.alignments.align(wanted)
        for (pair, _), (distance, _), want, alignment in zip(pairs, near, wanted, found, strict=True):
            edge = judge_pair(want.first, want.second, alignment, distance, self.settings)
            if edge is not None:
                self.edges.append(edge)
            if edge is not None and not edge.burst:
                self.families.join(*pair)
            if edge is not None or want.mirrors == EITHER:
                self.settled.add(pair)

    def _wanted(self, pair: Pair, mirrors: Mirrors, distance: int, orientation: str) -> Wanted:
        """How a pair, which is `distance` bits apart in its nearest orientation, is to be aligned."""
        first, second = (self.photos[number] for number in pair)
        if distance <= self.settings.hash_distance:
            return Wanted(first, second, orientation, mirrors | {orientation.startswith("mirrored")})
        # Shots of one burst lie alike even where too much has moved for hashes and features.
        seconds = seconds_between(first, second)
        together = seconds is not None and seconds <= self.settings.burst_seconds
        return Wanted(first, second, "upright" if together else None, mirrors or EITHER)

    def _uncompared(self) -> list[Pair]:
        """Of each family the first photo that would be kept, with all that were not compared with it yet.

        A small crop may be like its original only through a larger one; whether it is a copy is then seen for itself.
        """
        copies = edges_of_each(edge for edge in self.edges if not edge.burst)
        order = preference(self.photos, copies)
        pairs: list[Pair] = []
        for family in self.families.members():
            pairs += self._with_kept(sorted(family, key=lambda number: order(self.photos[number])), copies)
        return sorted(pairs)

    def _with_kept(self, family: Sequence[int], edges: Mapping[str, Sequence[Edge]]) -> list[Pair]:
        """Pairs of the first photo of a family that would be kept with others that were not compared with it yet."""
        left = list(family)
        while left:
            kept, *left = left
            untried = [pair for other in left if (pair := in_order(kept, other)) not in self.settled]
            if untried:
                return untried
            name = self.photos[kept].photo
            copies = {edge.other(name) for edge in edges.get(name, [])}
            left = [number for number in left if self.photos[number].photo not in copies]
        return []
