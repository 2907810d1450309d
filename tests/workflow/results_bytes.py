"""What must be the same bytes in every undisturbed, repeated or resumed run."""

import hashlib
from pathlib import Path

from checkout import Checkout

TABLES = ("photos.csv", "duplicates.csv", "masks.csv", "quality.csv", "selection.csv", "captions.csv")


def sha256(path: Path) -> str:
    """The sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def final_bytes(checkout: Checkout, project: str) -> dict[str, str]:
    """The sha256 of tables, manifest, checkpoints, LoRA files, scores and pictures of a mini run, by relative path."""
    results = checkout.folder / "results" / project
    target = results / "pocket-mini"
    run = target / "main"
    paths = [results / name for name in TABLES]
    paths += [target / "frames.csv", target / "captions.csv", target / "dataset" / "manifest.json"]
    paths += [*sorted((run / "training" / "checkpoints").iterdir()), *sorted((run / "lora").iterdir())]
    paths += [run / "training" / "validation.csv", run / "evaluation" / "scores.csv"]
    paths += [*sorted((run / "evaluation" / "samples").iterdir()), run / "evaluation" / "grid.png"]
    return {str(path.relative_to(results)): sha256(path) for path in paths}


def cached_bytes(checkout: Checkout) -> dict[str, str]:
    """The sha256 of every file of the cache by its path there, which is its key."""
    cache = checkout.folder / ".darkroom" / "cache"
    return {str(path.relative_to(cache)): sha256(path) for path in sorted(cache.rglob("*")) if path.is_file()}
