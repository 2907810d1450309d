"""The best few of many photos: each of them good, and together like all the others.

Facility location with a bonus for quality: the chosen set S maximises sum_i max_{j in S} s_ij + weight sum_{j in S} q_j
over similarities s and qualities q of all photos. Greedy choice comes near the best set (Nemhauser, Wolsey and Fisher
1978), lazily, because a photo gains less the more are chosen (Minoux 1978); exchanges of one photo then mend what greed
took too early.
"""

import heapq
from collections.abc import Callable, Sequence

import numpy as np

# Greed starts anew from so many photos, those that are best alone, and the best of its sets counts.
STARTS = 6
# A gain below this is rounding, and no reason for an exchange.
ROUNDING = 1e-9


def coverage_and_quality(similarity: np.ndarray, quality: np.ndarray, weight: float, chosen: Sequence[int]) -> float:
    """The objective for a set of row numbers: similarity (n, n) in [0, 1], quality (n,), weight of the quality."""
    if not chosen:
        return 0.0
    members = list(chosen)
    return float(similarity[:, members].max(axis=1).sum() + weight * quality[members].sum())


def best_photos(
    similarity: np.ndarray,
    quality: np.ndarray,
    weight: float,
    count: int,
    groups: Sequence[str],
    first: Sequence[int] = (),
) -> list[int]:
    """The row numbers, in the order of their choice, of at most `count` photos, never two of one group.

    `groups` names the group of each photo, `first` those that are chosen whatever they cost, groups and count
    included. Of equals the one with the lower number is taken, so rows must come in an order that no file name decides.
    """
    bonus = weight * quality
    alone = similarity.sum(axis=0) + bonus
    starts: list[list[int]] = [list(first)]
    if len(first) < count:
        taken = {groups[number] for number in first}
        free = [int(number) for number in np.argsort(-alone, kind="stable") if groups[number] not in taken]
        starts = [[*first, number] for number in free[:STARTS]] or starts
    sets = [
        _exchanged(similarity, bonus, groups, _greedy(similarity, bonus, count, groups, start), len(first))
        for start in starts
    ]
    return max(sets, key=lambda chosen: coverage_and_quality(similarity, quality, weight, chosen))


def _greedy(
    similarity: np.ndarray, bonus: np.ndarray, count: int, groups: Sequence[str], chosen: list[int]
) -> list[int]:
    covered = similarity[:, chosen].max(axis=1) if chosen else np.zeros(len(similarity), similarity.dtype)
    taken = {groups[number] for number in chosen}

    def gain(number: int) -> float:
        return float(np.maximum(similarity[:, number] - covered, 0).sum() + bonus[number])

    waiting = [(-gain(number), number) for number in range(len(groups)) if number not in set(chosen)]
    heapq.heapify(waiting)
    while waiting and len(chosen) < count:
        _, number = heapq.heappop(waiting)
        if groups[number] in taken:
            continue
        now = (-gain(number), number)
        if waiting and now > waiting[0]:
            heapq.heappush(waiting, now)
            continue
        chosen.append(number)
        taken.add(groups[number])
        covered = np.maximum(covered, similarity[:, number])
    return chosen


def _exchanged(
    similarity: np.ndarray, bonus: np.ndarray, groups: Sequence[str], chosen: list[int], fixed: int
) -> list[int]:
    """Exchange one chosen photo for another as long as that gains; the first `fixed` stay."""
    chosen = list(chosen)
    # Every exchange gains, so this ends; the bound is for its time only.
    for _ in range(2 * len(chosen)):
        best = _best_exchange(similarity, bonus, groups, chosen, fixed)
        if best is None:
            break
        index, number = best
        chosen[index] = number
    return chosen


def _best_exchange(
    similarity: np.ndarray, bonus: np.ndarray, groups: Sequence[str], chosen: Sequence[int], fixed: int
) -> tuple[int, int] | None:
    """The place in `chosen` and the photo to put there that gain most; None where no exchange gains.

    Without its nearest chosen photo a photo falls back on its second nearest, so one pass over the photos that are
    not chosen tries every exchange (as in FastPAM, Schubert and Rousseeuw 2019).
    """
    if len(chosen) == fixed:
        return None
    to_chosen = similarity[:, list(chosen)]
    nearest = to_chosen.argmax(axis=1)
    first = to_chosen.max(axis=1)
    second = _without(to_chosen, nearest)
    lost = bonus[list(chosen)]
    allowed = _places_allowed(groups, chosen, fixed)
    best, found = ROUNDING, None
    for number in sorted(set(range(len(groups))) - set(chosen)):
        with_it = np.maximum(similarity[:, number], first)
        fallback = with_it - np.maximum(similarity[:, number], second)
        gains = (with_it - first).sum() + bonus[number] - lost - np.bincount(nearest, fallback, len(chosen))
        gains[~allowed(number)] = -np.inf
        index = int(gains.argmax())
        if gains[index] > best:
            best, found = float(gains[index]), (index, number)
    return found


def _without(to_chosen: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """The similarity of each photo to its second nearest chosen one; 0 where there is only one."""
    rest = to_chosen.copy()
    rest[np.arange(len(rest)), nearest] = 0
    return rest.max(axis=1)


def _places_allowed(groups: Sequence[str], chosen: Sequence[int], fixed: int) -> Callable[[int], np.ndarray]:
    """A function from a photo to the places, a mask (chosen,), that it may take without a second of its group."""
    free = np.arange(len(chosen)) >= fixed
    held = np.array([groups[number] for number in chosen])

    def allowed(number: int) -> np.ndarray:
        same = held == groups[number]
        return free & (same if same.sum() == 1 else np.full(len(chosen), not same.any()))

    return allowed
