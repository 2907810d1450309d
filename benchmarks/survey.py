"""What the photos room costs: survey and fingerprints beside two peers, all three rules, and the search alone.

    make peers
    PYTHONPATH=scripts python benchmarks/survey.py peers      # 1,000 JPEGs of 12 megapixels
    PYTHONPATH=scripts python benchmarks/survey.py rules      # 10,000 photos of about 1 MB
    PYTHONPATH=scripts python benchmarks/survey.py search     # 100,000 fingerprints, made up

Photos are mosaics of real ones with grain, no two of them copies; two processes on two cores for everybody.
"""

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from composites import compose
from pocket_project import run_from_nothing

from darkroom.config.photos import DuplicateSettings
from darkroom.photos.feature_index import shared_features
from darkroom.photos.fingerprints import ORIENTATIONS, Fingerprint
from darkroom.photos.hash_neighbours import near_pairs
from darkroom.photos.local_features import FEATURES, FeaturePair, Features
from darkroom.photos.pairs import MOST

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "survey"
PEERS = {
    "imagededup": "from imagededup.methods import PHash; PHash(verbose=False).encode_images(FOLDER, num_enc_workers=2)",
    "cleanvision": (
        "from cleanvision import Imagelab; lab = Imagelab(data_path=FOLDER); "
        "lab.find_issues({'near_duplicates': {}, 'exact_duplicates': {}}, n_jobs=2, verbose=False)"
    ),
}


def write_photo(folder: Path, size: tuple[int, int], quality: int, number: int) -> None:
    """Write one mosaic, unless it is there."""
    path = folder / f"{number:05d}.jpg"
    if not path.exists():
        compose(number, size, 6.0)[0].save(path, quality=quality)


def photos(name: str, count: int, size: tuple[int, int], quality: int) -> Path:
    """A folder of mosaics of this size, in pixels, and JPEG quality."""
    folder = WORK / name / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(2) as pool:
        pool.map(partial(write_photo, folder, size, quality), range(count), chunksize=8)
    return folder


def beside_peers(count: int) -> None:
    """Throughput of survey and fingerprints, the hashing of the files included, and of two peers' hashing alone."""
    folder = photos("large", count, (4000, 3000), 90)
    megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"{count} photos of 12 megapixels, {megabytes / count:.1f} MB each")
    own = run_from_nothing(folder.parent / "darkroom", folder, ["fingerprints.csv", "photos.csv"], shards=2).wall
    print(f"darkroom: {own:.0f} s, {count / own:.1f} photos/s")
    for peer, command in PEERS.items():
        words = [sys.executable, "-c", f"FOLDER = {str(folder)!r}; {command}"]
        began = time.monotonic()
        environment = os.environ | {"PYTHONPATH": str(ROOT / "build" / "peers")}
        subprocess.run(words, check=True, capture_output=True, env=environment)
        seconds = time.monotonic() - began
        print(f"{peer}: {seconds:.0f} s, {count / seconds:.1f} photos/s; darkroom / {peer}: {seconds / own:.1f}")


def all_rules(count: int) -> None:
    """All rules of the photos room."""
    folder = photos("many", count, (1600, 1200), 97)
    megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    measured = run_from_nothing(folder.parent / "darkroom", folder, ["duplicates.csv"], shards=16)
    print(
        f"{count} photos of {megabytes / count:.2f} MB, survey to duplicates: {measured.wall:.0f} s, "
        f"{measured.memory:.0f} MB, {measured.jobs.total()} jobs"
    )


def made_up_hashes(count: int) -> list[Fingerprint]:
    """Fingerprints of photos that do not exist."""
    random = np.random.default_rng(0)
    return [Fingerprint(str(number), *(random.bytes(32).hex() for _ in ORIENTATIONS)) for number in range(count)]


def made_up_features(count: int) -> Iterator[FeaturePair]:
    """Features of photos that do not exist, half of whose bits are mostly the same ones, as those of real ones are."""
    random = np.random.default_rng(0)
    often = np.frombuffer(random.bytes(32), np.uint8)

    def features() -> Features:
        bits = random.integers(0, 256, (3, FEATURES, 32), np.uint8)
        points, angles = random.random((FEATURES, 2), np.float32), 360 * random.random(FEATURES, np.float32)
        return Features(points, bits[0] & (bits[1] | often), angles, random.integers(0, 8, FEATURES, np.uint8))

    return ((features(), features()) for _ in range(count))


def search(count: int) -> None:
    """Both searches for candidates, without any picture, each in a process of its own."""
    settings = DuplicateSettings()
    searches: dict[str, Callable[[], Callable[[], Collection[tuple[int, int]]]]] = {
        "hashes": lambda: partial(near_pairs, made_up_hashes(count), settings.hash_distance, MOST),
        "features": lambda: partial(
            shared_features, made_up_features(count), count, settings.min_shared_features, MOST
        ),
    }
    for name, prepare in searches.items():
        if os.fork() == 0:
            find = prepare()
            began = time.monotonic()
            pairs = len(find())
            seconds = time.monotonic() - began
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(f"{count} photos, {name}: {seconds:.0f} s, {pairs} pairs, {memory:.0f} MB", flush=True)
            os._exit(0)
        os.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="What the photos room costs.")
    steps = {"peers": (beside_peers, 1000), "rules": (all_rules, 10_000), "search": (search, 100_000)}
    parser.add_argument("step", choices=steps)
    parser.add_argument("--photos", type=int, help="how many, instead of the usual number")
    arguments = parser.parse_args()
    step, usual = steps[arguments.step]
    step(arguments.photos or usual)


if __name__ == "__main__":
    main()
