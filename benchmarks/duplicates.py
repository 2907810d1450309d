"""Copies found, and strangers taken for copies: Darkroom beside imagehash, imagededup and cleanvision.

    make peers
    PYTHONPATH=scripts python benchmarks/duplicates.py ../shared/photos/dreambench
    PYTHONPATH=scripts python benchmarks/duplicates.py --others FOLDER

All photos below the folder and a copy of each by every transform lie in one folder, and each tool says which of the
files belong together. Recall: the share of copies that are said to belong to their original. A false pair: two files
of different photos said to belong together, the tool's groups taken at their word.
"""

import argparse
import csv
import multiprocessing
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from functools import partial
from itertools import combinations
from pathlib import Path

from duplicate_peers import PEERS
from peer_process import ask_peer
from PIL import Image
from pocket_project import run_from_nothing
from transforms import OTHERS, TRANSFORMS

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "duplicates"
# Photos of DreamBench that are one photo.
SAME = ({"cat-02", "cat-03"}, {"dog5-02", "dog5-03"})
ORIGINAL = "original"
Pairs = set[tuple[str, str]]


def sources(folder: Path) -> dict[str, Path]:
    """The photos below a folder by a name without folders."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")]
    return {"-".join(path.relative_to(folder).with_suffix("").parts): path for path in paths}


def file_part(transform: str) -> str:
    """The name of a transform as a part of file names."""
    return transform.replace(" ", "_").replace("%", "")


def write_copies(others: bool, folder: Path, named: tuple[str, Path]) -> None:
    """Write one photo and its copies as NAME__TRANSFORM.jpg."""
    name, path = named
    with Image.open(path) as source:
        picture = source.convert("RGB")
    picture.save(folder / f"{name}__{ORIGINAL}.jpg", quality=92)
    for transform, change in (OTHERS if others else TRANSFORMS).items():
        change(picture).save(folder / f"{name}__{file_part(transform)}.jpg", quality=90)


def darkroom_pairs(folder: Path) -> Pairs:
    """Pairs of one group in duplicates.csv, made by the real workflow."""
    work = WORK / "darkroom"
    run_from_nothing(work, folder, ["duplicates.csv"], shards=2)
    tables = work / "results" / "photos"
    with (tables / "photos.csv").open() as photos, (tables / "duplicates.csv").open() as duplicates:
        names: dict[str, list[str]] = defaultdict(list)
        for row in csv.DictReader(photos):
            names[row["photo"]].append(row["path"])
        groups: dict[str, list[str]] = defaultdict(list)
        for row in csv.DictReader(duplicates):
            groups[row["group"] or row["photo"]] += names[row["photo"]]
    return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}


def peer_pairs(peer: str, folder: Path) -> Pairs:
    """What a peer says, in a process of its own."""
    said = ask_peer("duplicate_peers.py", peer, folder, WORK / f"{peer}.json")
    return {(first, second) for first, second in said}


def split(name: str) -> tuple[str, str]:
    """The photo and the transform that a file's name tells."""
    photo, _, transform = name.removesuffix(".jpg").partition("__")
    return photo, transform


def one_photo(first: str, second: str) -> bool:
    """Whether two files show one photo."""
    photos = {split(first)[0], split(second)[0]}
    return len(photos) == 1 or photos in SAME


def _copy_of_original(first: str, second: str) -> list[str]:
    """The copy, where one of two files is the original of the other."""
    (one, kind), (other, other_kind) = split(first), split(second)
    if one != other or ORIGINAL not in (kind, other_kind):
        return []
    return [second if kind == ORIGINAL else first]


def recalled(pairs: Pairs) -> Counter[str]:
    """How many copies are said to belong to their original, by transform as in file names."""
    return Counter(split(copy)[1] for pair in pairs for copy in _copy_of_original(*pair))


def report(
    found: Mapping[str, Pairs], seconds: Mapping[str, float], transforms: Collection[str], photos: Collection[str]
) -> None:
    """Print recall per transform, false pairs and times, a column per tool."""
    print(f"{'':30}" + "".join(f"{tool:>14}" for tool in found))
    recalls = {tool: recalled(pairs) for tool, pairs in found.items()}
    for transform in transforms:
        shares = (recalls[tool][file_part(transform)] / len(photos) for tool in found)
        print(f"{transform:30}" + "".join(f"{share:>13.1%} " for share in shares))
    wrong = {tool: sorted(pair for pair in pairs if not one_photo(*pair)) for tool, pairs in found.items()}
    print(f"{'false pairs':30}" + "".join(f"{len(pairs):>14}" for pairs in wrong.values()))
    print(f"{'seconds':30}" + "".join(f"{seconds[tool]:>14.0f}" for tool in found))
    for tool, strangers in wrong.items():
        for first, second in strangers[:5]:
            print(f"{tool}: {first} and {second}")
    seen = {name for pair in found.get("darkroom", set()) for name in _copy_of_original(*pair)}
    for copy in sorted(f"{photo}__{file_part(transform)}.jpg" for transform in transforms for photo in photos):
        if "darkroom" in found and copy not in seen:
            print(f"darkroom missed {copy}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Copies found, and strangers taken for copies.")
    parser.add_argument("folder", type=Path, help="folder of photos, searched recursively")
    parser.add_argument("--others", action="store_true", help="other transforms than those everybody is measured by")
    parser.add_argument("--only", nargs="+", default=["darkroom", *PEERS], help="tools to run")
    arguments = parser.parse_args()
    transforms = OTHERS if arguments.others else TRANSFORMS
    photos = sources(arguments.folder)
    copies = WORK / "copies"
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir(parents=True)
    with multiprocessing.Pool(2) as pool:
        pool.map(partial(write_copies, arguments.others, copies), photos.items(), chunksize=1)
    print(f"{len(photos)} photos, {len(list(copies.iterdir()))} files")
    found, seconds = {}, {}
    for tool in arguments.only:
        began = time.monotonic()
        found[tool] = darkroom_pairs(copies) if tool == "darkroom" else peer_pairs(tool, copies)
        seconds[tool] = time.monotonic() - began
    report(found, seconds, transforms, photos)


if __name__ == "__main__":
    main()
