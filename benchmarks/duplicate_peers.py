"""What other tools take for duplicates in a folder: pairs of file names as JSON.

python benchmarks/duplicate_peers.py imagehash FOLDER PAIRS.json

`make peers` installs imagededup and cleanvision; imagehash is one of Darkroom's own packages.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
from peer_process import answer
from PIL import Image

# Differing bits of 64 up to which the two are usually told to take photos for copies.
HAMMING = 10

Pairs = Iterator[tuple[str, str]]


def imagehash_pairs(folder: Path) -> Pairs:
    """phash of 64 bits, every pair compared."""
    import imagehash

    names = sorted(path.name for path in folder.iterdir())
    hashes = np.array([imagehash.phash(Image.open(folder / name)).hash.ravel() for name in names])
    for number, own in enumerate(hashes):
        for other in np.flatnonzero((hashes[number + 1 :] != own).sum(1) <= HAMMING):
            yield names[number], names[number + 1 + int(other)]


def imagededup_pairs(folder: Path) -> Pairs:
    """Its PHash with its own defaults."""
    from imagededup.methods import PHash

    found = PHash(verbose=False).find_duplicates(image_dir=str(folder), max_distance_threshold=HAMMING)
    for name, others in found.items():
        yield from ((name, other) for other in others if name < other)


def cleanvision_pairs(folder: Path) -> Pairs:
    """Its exact and near duplicates."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, n_jobs=1, verbose=False)
    for kind in ("exact_duplicates", "near_duplicates"):
        for group in lab.info.get(kind, {}).get("sets", []):
            yield from combinations(sorted(Path(path).name for path in group), 2)


PEERS: Mapping[str, Callable[[Path], Pairs]] = {
    "imagehash": imagehash_pairs,
    "imagededup": imagededup_pairs,
    "cleanvision": cleanvision_pairs,
}


if __name__ == "__main__":
    answer("What other tools take for duplicates in a folder.", PEERS)
