"""Which bucket each photo goes to, decided for all photos together: full batches first, then the least crop loss."""

from itertools import combinations, pairwise

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

# Up to so many photos every partition into batches is weighed.
EXACT = 10
# Up to so many photos transfers also start from every photo in its own best bucket.
MANY_STARTS = 40
# Up to so many an integer programme fills batches where transfers do not; it soon takes minutes.
PROGRAMME = 100
# Up to so many transfers go on for crop loss alone.
FINE = 200
# Nodes after which the integer programme gives up: a limit in nodes, unlike one in seconds, is the same everywhere.
NODES = 200
# Costs are counted in units of this share of a photo, so that sums are exact.
UNIT = 1e-7


def assign_buckets(costs: np.ndarray, batch: int) -> np.ndarray:
    """The bucket of each photo.

    `costs` (photos, buckets) are whole numbers, infinite where a photo must not go; every photo has an allowed bucket.
    Rows must be in an order of aspect ratio. Least are, in this order: photos outside full batches of one bucket,
    batches that are not full, the sum of the costs. Exact up to EXACT photos and for a batch of one. Above, blocks of
    neighbours, then transfers between buckets until none is better (of those that fill batches, where there are more
    than FINE photos; up to PROGRAMME, an integer programme takes over where they leave too many photos outside).
    """
    if batch == 1 or len(costs) == 0:
        return costs.argmin(axis=1)
    if len(costs) <= EXACT:
        return _best_partition(costs, batch)
    starts = [_by_blocks(costs, batch)]
    if len(costs) <= MANY_STARTS:
        starts.append(costs.argmin(axis=1))
    ends = [improved(costs, start, batch, len(costs) <= FINE) for start in starts]
    left = len(costs) % batch
    if len(costs) <= PROGRAMME and min(objective(costs, end, batch) for end in ends)[:2] > (left, int(left > 0)):
        fullest = _fullest(costs, batch)
        ends += [] if fullest is None else [improved(costs, fullest, batch)]
    return min(ends, key=lambda found: objective(costs, found, batch))


def objective(costs: np.ndarray, buckets: np.ndarray, batch: int) -> tuple[int, int, int]:
    """Photos outside full batches, batches that are not full, sum of the costs."""
    left = np.bincount(buckets) % batch
    return int(left.sum()), int((left > 0).sum()), int(costs[np.arange(len(costs)), buckets].sum())


def _best_partition(costs: np.ndarray, batch: int) -> np.ndarray:
    """The best of all partitions into groups of at most `batch` photos, each with its best bucket.

    A dynamic programme over sets of photos: of a set, the group that holds its first photo is split off.
    """
    photos = range(len(costs))
    best: dict[int, tuple[tuple[int, int, int], int, int]] = {0: ((0, 0, 0), 0, 0)}
    groups = {}
    for size in range(1, batch + 1):
        for group in combinations(photos, size):
            sums = costs[list(group)].sum(axis=0)
            bucket = int(sums.argmin())
            if np.isfinite(sums[bucket]):
                left = size % batch
                groups[sum(1 << photo for photo in group)] = ((left, int(left > 0), int(sums[bucket])), bucket)
    by_first: dict[int, list[int]] = {}
    for members in groups:
        by_first.setdefault(members & -members, []).append(members)
    for whole in range(1, 1 << len(costs)):
        for members in by_first[whole & -whole]:
            if members & whole == members:
                weight, bucket = groups[members]
                rest = best[whole ^ members][0]
                total = (weight[0] + rest[0], weight[1] + rest[1], weight[2] + rest[2])
                if whole not in best or total < best[whole][0]:
                    best[whole] = (total, members, bucket)
    found = np.zeros(len(costs), dtype=np.int64)
    whole = (1 << len(costs)) - 1
    while whole:
        _, members, bucket = best[whole]
        found[[photo for photo in photos if members >> photo & 1]] = bucket
        whole ^= members
    return found


def _by_blocks(costs: np.ndarray, batch: int) -> np.ndarray:
    """Neighbours in the order of aspect ratio make a batch, each batch in its best bucket; what is left lies anywhere.

    A photo whose batch got a bucket that is forbidden to it takes its own best one.
    """
    # Forbidden buckets are dear here, not impossible, so that the others of a batch can agree on one.
    dear = np.minimum(costs, 4 / UNIT)
    count, left = len(costs), len(costs) % batch
    sums = np.vstack([np.zeros(costs.shape[1]), dear.cumsum(axis=0)])
    full = (sums[batch:] - sums[:-batch]).min(axis=1)
    before = np.concatenate([[0], full[: count - left : batch].cumsum()])
    after = np.concatenate([[0], full[left::batch].cumsum()])
    rest = (sums[left:] - sums[: count + 1 - left]).min(axis=1)[: count - left + 1 : batch]
    cut = int((before + after[-1] - after + rest).argmin()) * batch
    found = np.zeros(count, dtype=np.int64)
    for low, high in pairwise([*range(0, cut + 1, batch), *range(cut + left, count + 1, batch)]):
        found[low:high] = (sums[high] - sums[low]).argmin()
    outside = np.isinf(costs[np.arange(count), found])
    found[outside] = costs[outside].argmin(axis=1)
    return found


class _Transfers:
    """An assignment, and for each pair of buckets the cheapest photo that can go from one to the other.

    Paths of such moves keep an assignment the cheapest one for the number of photos in each bucket (successive
    shortest paths; Ahuja, Magnanti & Orlin 1993, section 9.7).
    """

    def __init__(self, costs: np.ndarray, buckets: np.ndarray) -> None:
        self.costs, self.buckets = costs, buckets.copy()
        size = costs.shape[1]
        self.moves = np.full((size, size), np.inf)
        self.movers = np.zeros((size, size), dtype=np.int64)
        for bucket in range(size):
            self._refresh(bucket)

    def copy(self) -> "_Transfers":
        other = object.__new__(_Transfers)
        other.costs, other.buckets = self.costs, self.buckets.copy()
        other.moves, other.movers = self.moves.copy(), self.movers.copy()
        return other

    def _refresh(self, bucket: int) -> None:
        members = np.flatnonzero(self.buckets == bucket)
        if len(members) == 0:
            self.moves[bucket] = np.inf
            return
        there = self.costs[members]
        change = there - there[:, [bucket]]
        rows = change.argmin(axis=0)
        self.moves[bucket] = change[rows, np.arange(change.shape[1])]
        self.movers[bucket] = members[rows]
        self.moves[bucket, bucket] = np.inf

    def shift(self, path: list[int]) -> None:
        """Move one photo along each pair of neighbours of a path of buckets."""
        pairs = list(pairwise(path))
        movers = [self.movers[pair] for pair in pairs]
        for photo, (_, bucket) in zip(movers, pairs, strict=True):
            self.buckets[photo] = bucket
        for bucket in set(path):
            self._refresh(bucket)

    def distances(self) -> np.ndarray:
        """The cost of the cheapest path between each pair of buckets (Floyd & Warshall)."""
        found = self.moves.copy()
        for via in range(len(found)):
            found = np.minimum(found, found[:, [via]] + found[via])
        return found

    def cheapest_path(self, start: int, end: int) -> tuple[float, list[int]]:
        """The cheapest path from one bucket to another (Bellman & Ford), infinite and empty where there is none."""
        reached, previous, _ = self._shortest(np.where(np.arange(len(self.moves)) == start, 0.0, np.inf))
        if np.isinf(reached[end]):
            return np.inf, []
        path = [end]
        while path[-1] != start:
            path.append(int(previous[path[-1]]))
        return float(reached[end]), path[::-1]

    def cancel_cycles(self) -> None:
        """Swap photos in circles as long as that is cheaper."""
        while (cycle := self._cheaper_cycle()) is not None:
            self.shift(cycle)

    def _shortest(self, reached: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The cheapest way to each bucket from those `reached` at a cost, and the bucket before it on that way.

        The last part tells which ways became shorter in the last round: none, but for circles that are cheaper.
        """
        previous = np.full(len(reached), -1)
        for _ in range(len(reached)):
            through = reached[:, None] + self.moves
            best = through.argmin(axis=0)
            there = through[best, np.arange(len(reached))]
            shorter = there < reached
            if not shorter.any():
                break
            reached, previous = np.where(shorter, there, reached), np.where(shorter, best, previous)
        return reached, previous, shorter

    def _cheaper_cycle(self) -> list[int] | None:
        size = len(self.moves)
        _, previous, shorter = self._shortest(np.zeros(size))
        if not shorter.any():
            return None
        bucket = int(np.flatnonzero(shorter)[0])
        for _ in range(size):
            bucket = int(previous[bucket])
        cycle = [bucket]
        while previous[cycle[-1]] != bucket:
            cycle.append(int(previous[cycle[-1]]))
        return [bucket, *cycle[:0:-1], bucket]


def improved(costs: np.ndarray, buckets: np.ndarray, batch: int, fine: bool = True) -> np.ndarray:
    """The assignment that no transfer of up to `batch` photos from one bucket to another makes better.

    Each transfer is the cheapest over all chains of photos. It may empty a bucket, fill a batch, or carry the batch
    that is not full to another bucket; unless `fine`, only those that leave fewer photos outside full batches are made.
    """
    if not fine and objective(costs, buckets, batch)[0] == len(costs) % batch:
        return buckets
    state = _Transfers(costs, buckets)
    state.cancel_cycles()
    for_batch = costs[np.isfinite(costs)].max() * len(costs) + 1
    for_left = for_batch * (costs.shape[1] + 1)
    prices = np.array([left * for_left + (left > 0) * for_batch for left in range(batch)])
    while (better := _best_transfer(state, prices, 0.0 if fine else -for_batch)) is not None:
        state = better
    return state.buckets


def _fullest(costs: np.ndarray, batch: int) -> np.ndarray | None:
    """An assignment with as few photos outside full batches, in as few buckets, as can be, whatever it costs.

    An integer programme (HiGHS): of bucket k, count = batch * full + left, and left > 0 only where it is a bucket with
    such photos; None where it is not solved within NODES nodes.
    """
    count, size = costs.shape
    photos, buckets = np.nonzero(np.isfinite(costs))
    pairs, every = len(photos), np.arange(size)
    entries = [(photos, np.arange(pairs), 1), (count + buckets, np.arange(pairs), 1)]
    entries += [(count + every, pairs + every, -batch), (count + every, pairs + size + every, -1)]
    entries += [
        (count + size + every, pairs + size + every, 1),
        (count + size + every, pairs + 2 * size + every, -batch),
    ]
    rows, columns = (np.concatenate([entry[part] for entry in entries]) for part in (0, 1))
    values = np.concatenate([np.full(len(entry[0]), entry[2]) for entry in entries])
    matrix = coo_array((values, (rows, columns)), shape=(count + 2 * size, pairs + 3 * size)).tocsr()
    low = np.concatenate([np.ones(count), np.zeros(size), np.full(size, -batch)])
    high = np.concatenate([np.ones(count), np.zeros(2 * size)])
    top = np.concatenate([np.ones(pairs), np.full(size, count // batch), np.full(size, batch - 1), np.ones(size)])
    price = np.concatenate([np.zeros(pairs + size), np.full(size, size + 1), np.ones(size)])
    solved = milp(
        price,
        integrality=np.ones(len(price)),
        bounds=Bounds(0, top),
        constraints=LinearConstraint(matrix, low, high),
        options={"node_limit": NODES},
    )
    if solved.x is None:
        return None
    chosen = np.flatnonzero(solved.x[:pairs] > 0.5)
    found = np.zeros(count, dtype=np.int64)
    found[photos[chosen]] = buckets[chosen]
    return found


def _best_transfer(state: _Transfers, prices: np.ndarray, best: float) -> _Transfers | None:
    """The assignment after the best transfer, or None where none changes the objective by less than `best`."""
    batch, size = len(prices), len(state.moves)
    counts = np.bincount(state.buckets, minlength=size)
    moved = np.arange(1, batch + 1)[:, None]
    fewer = np.where(counts < moved, np.inf, prices[(counts - moved) % batch] - prices[counts % batch])
    more = prices[(counts + moved) % batch] - prices[counts % batch]
    gain = fewer[:, :, None] + more[:, None, :]
    gain[:, np.arange(size), np.arange(size)] = np.inf
    # Each path of a transfer costs at least what the one before it did.
    bounds = (gain + moved[:, :, None] * state.distances()).min(axis=0)
    found = None
    for flat in np.argsort(bounds, axis=None, kind="stable"):
        start, end = (int(index) for index in np.unravel_index(flat, bounds.shape))
        if bounds[start, end] >= best:
            break
        trial, total = state.copy(), 0.0
        for done in range(batch):
            cost, path = trial.cheapest_path(start, end)
            ahead = gain[done:, start, end] + total + cost * np.arange(1, batch - done + 1)
            if not ahead.min() < best:
                break
            total += cost
            trial.shift(path)
            if total + gain[done, start, end] < best:
                best, found = total + float(gain[done, start, end]), trial.copy()
    return found
