"""Captions that say nearly the same: sets of words with a Jaccard similarity of at least .9."""

from collections import Counter, defaultdict
from collections.abc import Mapping

SIMILARITY = 0.9


def near_duplicates(words: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Groups of at least two names whose sets of words are, each with one other of its group, similar enough.

    Two sets that are similar enough share one of the rarest words of each (prefix filter: Chaudhuri et al. 2006,
    doi:10.1109/ICDE.2006.9), so few pairs are compared. Groups and names are sorted.
    """
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for name in sorted(words):
        if words[name]:
            alike[words[name]].append(name)
    sets = sorted(alike, key=sorted)
    leader = list(range(len(sets)))

    def find(index: int) -> int:
        while leader[index] != index:
            index = leader[index]
        return index

    for first, second in _similar_pairs(sets):
        one, other = sorted((find(first), find(second)))
        leader[other] = one
    groups: dict[int, list[str]] = defaultdict(list)
    for index, said in enumerate(sets):
        groups[find(index)] += alike[said]
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _similar_pairs(sets: list[frozenset[str]]) -> list[tuple[int, int]]:
    counts = Counter(word for said in sets for word in said)
    holders: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for index, said in enumerate(sets):
        rarest = sorted(said, key=lambda word: (counts[word], word))
        # Of n words, a set that shares at least .9 n of them lacks at most .1 n.
        shown = rarest[: int(len(said) * (1 - SIMILARITY) + 1e-9) + 1]
        for other in sorted({holder for word in shown for holder in holders[word]}):
            if len(said & sets[other]) >= SIMILARITY * len(said | sets[other]) - 1e-9:
                pairs.append((other, index))
        for word in shown:
            holders[word].append(index)
    return pairs
