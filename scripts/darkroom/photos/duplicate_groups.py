"""Groups of photos that show one picture: copies of it, and shots of one burst.

A copy is the same picture: recompressed, resized, mirrored, turned or cropped. A burst is several shots within seconds.
Every member of a group is verified against the photo that it is said to be of, so that chains cannot grow, and that
photo is chosen by an order in which no file name and no file order takes part.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from darkroom.contracts.duplicate_table import Relation
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos.edges import Edge, edges_of_each, preference


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


def group_duplicates(photos: Sequence[PhotoFile], edges: Sequence[Edge]) -> Iterator[Relation]:
    """Yield the rows of duplicates.csv.

    Copies are grouped first, then the kept ones into bursts; a copy of a shot of a burst is in the burst's group and
    names its own original.
    """
    by_name = {photo.photo: photo for photo in photos}
    between_copies = [edge for edge in edges if not edge.burst]
    rank = preference(photos, edges_of_each(between_copies))
    order = {name: rank(photo) for name, photo in by_name.items()}.__getitem__
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
            yield Relation(name, group, "", "", None, None)
        else:
            of = edge.other(name)
            score = edge.alignment.likeness if edge.burst else edge.alignment.correlation
            yield Relation(name, group, edge.kind(name), of, score, edge.overlap(of))
