"""Groups of photos that show one picture: copies of it, and shots of one burst.

A copy is the same picture: recompressed, resized, mirrored, turned or cropped. A burst is several shots within seconds.
Every member of a group is verified against the photo that it is said to be of, so that chains cannot grow, and that
photo is chosen by an order in which no file name and no file order takes part.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from darkroom.photos.edges import Edge, edges_of_each, preference
from darkroom.storage.tables import Row

COLUMNS = ("photo", "group", "kind", "of", "score", "overlap")


def _stars(names: Sequence[str], edges: Sequence[Edge], order: Callable[[str], object]) -> dict[str, Edge]:
    """Give each photo that is not kept the edge to the photo that is.

    The best photo is kept and takes all its verified neighbours; the best of those left over is next. So a chain
    a-b-c without an edge a-c never becomes one group around a.
    """
    of_photo = edges_of_each(edges)
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
    between_copies = [edge for edge in edges if not edge.burst]
    rank = preference(photos, edges_of_each(between_copies))
    order = {name: rank(row) for name, row in by_name.items()}.__getitem__
    copies = _stars(list(by_name), between_copies, order)
    kept = dict.fromkeys(name for name in by_name if name not in copies)
    bursts = _stars(
        list(kept), [edge for edge in edges if edge.burst and edge.first in kept and edge.second in kept], order
    )
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
