"""What a walk said and left, compared with an undisturbed one."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checkout import Checkout, counted, started
from results_bytes import cached_bytes, final_bytes

# The rules that say `computed N`, the part of the cache in which their results lie, and these results' names.
COMPUTING = {
    "survey_photos": ("survey", ".json"),
    "fingerprint_photos": ("fingerprints", ".json"),
    "mask_subjects": ("masks", ".json"),
    "score_quality": ("quality", ".json"),
    "caption_photos": ("captions", ".json"),
    "crop_to_buckets": ("frames", ".json"),
    "render_prior": ("pictures", ".png"),
    "encode_dataset": ("encodings", ".safetensors"),
    "render_base": ("pictures", ".png"),
    "render_samples": ("pictures", ".png"),
    "score_checkpoints": ("clip", ".json"),
}


@dataclass
class Walk:
    """A run of Snakemake that is under way, with what it says in a file."""

    checkout: Checkout
    process: subprocess.Popen[bytes]
    output: Path

    def text(self) -> str:
        """What it has said so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")


@dataclass
class Undisturbed:
    """What the walk is without a kill: its length, the seconds and jobs of each rule, and every byte."""

    seconds: float
    rule_seconds: dict[str, float]
    started: Counter[str]
    final: dict[str, str]
    cached: dict[str, str]


def finished(text: str) -> Counter[str]:
    """The jobs that a run saw end well, by rule."""
    return counted(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", text)


def stamps(checkout: Checkout) -> dict[Path, tuple[int, int]]:
    """Inode and time of every result in the cache that is complete."""
    cache = checkout.folder / ".darkroom" / "cache"
    return {
        path: (path.stat().st_ino, path.stat().st_mtime_ns)
        for part, suffix in set(COMPUTING.values())
        for path in sorted((cache / part).rglob(f"*{suffix}"))
        if not path.name.startswith(".")
    }


def computed(checkout: Checkout, since: float) -> Counter[str]:
    """How many inferences the jobs that ended since a moment say they did, by part of the cache."""
    counts: Counter[str] = Counter()
    for rule, count in checkout.inferences("mini", since).items():
        if rule in COMPUTING:
            counts[COMPUTING[rule][0]] += count
    return counts


def leftovers(checkout: Checkout) -> Iterator[str]:
    """Everything that a killed process left in results or .darkroom."""
    for folder in ("results", ".darkroom"):
        for path in sorted((checkout.folder / folder).rglob(".*")):
            if path.name != ".snakemake_timestamp":
                yield str(path.relative_to(checkout.folder))
    for state in (checkout.folder / ".darkroom" / "training").rglob("state.pt"):
        yield str(state.relative_to(checkout.folder))


def differences(what: str, wanted: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """A problem in words where two folders differ."""
    names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if names:
        yield f"{what}: {len(names)} files differ ({', '.join(names[:3])})"


def problems(first: Walk, again: Walk, before: dict[Path, tuple[int, int]], wanted: Undisturbed) -> Iterator[str]:
    """Everything in which a walk that was killed and run again is not as it should be."""
    checkout = first.checkout
    if again.process.returncode != 0:
        yield f"the second run ended with {again.process.returncode}"
        return
    yield from differences("results", wanted.final, final_bytes(checkout, "mini"))
    yield from differences("cache", wanted.cached, cached_bytes(checkout))
    after = stamps(checkout)
    touched = [path.name for path, stamp in before.items() if after.get(path) != stamp]
    if touched:
        yield f"finished work repeated: {len(touched)} files of the cache written anew"
    ended, repeated = finished(first.text()), started(again.text())
    twice = [rule for rule, count in wanted.started.items() if ended[rule] + repeated[rule] > count]
    if twice:
        yield f"finished jobs repeated: {', '.join(twice)}"
    lock = checkout.folder / ".darkroom" / "locks" / "mini"
    # Whoever held the lock before has ended by then, so that every newer result is the second run's.
    since = lock.stat().st_mtime if repeated else time.time()
    told = computed(checkout, since)
    made = Counter(
        path.relative_to(checkout.folder).parts[2] for path, stamp in after.items() if stamp[1] > since * 1e9
    )
    if told != made:
        yield f"computed {dict(told)}, but {dict(made)} were missing"
    left = list(leftovers(checkout)) if repeated else []
    if left:
        yield f"left behind: {', '.join(left[:3])}"
