"""What many photos cost: 1,000 of about 1 MB, or 10,000 small ones with supplied masks, through real Snakemake runs.

Measures the way from the survey to the dataset stage by stage (wall time, memory, jobs, inferences), then a dry run,
a run with nothing to do and a run with one photo more, for which Snakemake's own CPU time counts, without its jobs.
The peer is the plain idiom, one job per photo, over the same files. Steps can be run one by one; what is done is kept
in build/scale. Exit code 1 where a goal is missed.
"""

import argparse
import csv
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composites import make_photos
from measured_snakemake import Measurement, snakemake
from pocket_project import pocket_config, run_project, write_project

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "scale.csv"
COLUMNS = ("photos", "step", "figure", "value", "unit")
TARGET = "pocket-mini"
MODEL_STAGES = ("survey_photos", "fingerprint_photos", "mask_subjects", "score_quality", "caption_photos")
# One job per photo and stage, the stages hanging together as Darkroom's do.
PEER = """
PHOTOS = glob_wildcards("photos/{photo}.jpg").photo
rule all:
    input: "captions.txt"
rule survey:
    input: "photos/{photo}.jpg"
    output: "survey/{photo}.txt"
    shell: "wc -c < {input} > {output}"
rule fingerprint:
    input: "photos/{photo}.jpg", "survey/{photo}.txt"
    output: "fingerprint/{photo}.txt"
    shell: "wc -c < {input[0]} > {output}"
rule mask:
    input: "photos/{photo}.jpg", "survey/{photo}.txt"
    output: "mask/{photo}.txt"
    shell: "wc -c < {input[0]} > {output}"
rule quality:
    input: "photos/{photo}.jpg", "mask/{photo}.txt"
    output: "quality/{photo}.txt"
    shell: "wc -c < {input[0]} > {output}"
rule caption:
    input: "photos/{photo}.jpg", "quality/{photo}.txt", "fingerprint/{photo}.txt"
    output: "caption/{photo}.txt"
    shell: "wc -c < {input[0]} > {output}"
rule gather:
    input: expand("caption/{photo}.txt", photo=PHOTOS)
    output: "captions.txt"
    shell: "cat caption/*.txt > {output}"
"""
PEER_STAGES = ("survey", "fingerprint", "mask", "quality", "caption")


@dataclass(frozen=True)
class Size:
    """A size to measure at: how photos are made and in how many shards they are worked on."""

    photos: int
    pixels: tuple[int, int]
    grain: float
    masks: bool
    shards: int
    # CPU seconds of Snakemake's own that a run with nothing to do, or a dry run, and one with a photo more may cost.
    goals: dict[str, float]

    @property
    def folder(self) -> Path:
        """Where this size is measured."""
        return ROOT / "build" / "scale" / str(self.photos)


def size_of(photos: int) -> Size:
    """Up to 1,000 photos are large and masked by the model, more are small with masks supplied."""
    if photos <= 1000:
        return Size(photos, (1760, 1320), 8, False, 8, {"no-op": 5, "dry run": 5})
    return Size(photos, (288, 256), 7, True, 16, {"no-op": 8, "dry run": 8, "one more": 15})


def write_config(size: Size) -> None:
    """The config of the project: pocket models, nothing rejected, so that every photo walks the whole way."""
    config = pocket_config("scale", "photos", TARGET, size.shards)
    config["selection"] = dict.fromkeys(("min_sharpness", "min_exposure", "min_coverage"), 0) | {"min_side": 64}
    config["captioner"] |= {"beams": 1, "max_tokens": 48}
    if size.masks:
        config["masks"]["supplied"] = "masks"
    write_project(size.folder, config)
    # The pocket targets name their models relative to the checkout.
    link = size.folder / "resources"
    if not link.is_symlink():
        link.symlink_to(ROOT / "resources")


def darkroom(size: Size, *arguments: str) -> Measurement:
    """Run the workflow of a size up to some targets."""
    return run_project(size.folder, *arguments)


def inferences(size: Size, since: float) -> dict[str, int]:
    """How many results each stage computed in the jobs that ended after a time (seconds since 1970)."""
    logs = size.folder / "logs" / "scale"
    counts = {}
    for rule in MODEL_STAGES:
        fresh = [path for path in (logs / rule).rglob("*.log") if path.stat().st_mtime >= since]
        texts = (path.read_text(encoding="utf-8") for path in fresh)
        counts[rule] = sum(int(number) for text in texts for number in re.findall(r"(?:computed|opened) (\d+)", text))
    return counts


def stages(size: Size) -> dict[str, list[str]]:
    """The targets of each stage, in the order in which they are run."""
    tables = ("photos", "fingerprints", "duplicates", "masks", "quality", "selection", "captions")
    results = "results/scale"
    return {name: [f"{results}/{name}.csv"] for name in tables} | {
        "dataset": [f"{results}/{TARGET}/dataset/manifest.json"]
    }


def keep(size: Size, step: str, figures: dict[str, tuple[float, str]]) -> None:
    """Print the figures of a step and keep them beside its folder, in place of earlier ones."""
    path = size.folder / "figures.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known[step] = {name: [round(value, 2), unit] for name, (value, unit) in figures.items()}
    path.write_text(json.dumps(known, indent=1))
    text = ", ".join(f"{name} {value:.2f} {unit}".strip() for name, (value, unit) in figures.items())
    print(f"{size.photos} photos, {step}: {text}", flush=True)


def _run_figures(run: Measurement) -> dict[str, tuple[float, str]]:
    return {
        "wall": (run.wall, "s"),
        "CPU of Snakemake's own": (run.own, "s"),
        "CPU of the jobs": (run.work, "s"),
        "memory": (run.memory, "MB"),
        "jobs": (run.jobs.total(), ""),
    }


def make(size: Size) -> None:
    """Make the photos; those of an earlier run stay."""
    started = time.monotonic()
    masks = size.folder / "masks" if size.masks else None
    sizes = list(make_photos(range(size.photos), size.folder / "photos", masks, size.pixels, size.grain))
    seconds = time.monotonic() - started
    keep(size, "make", {"wall": (seconds, "s"), "photo": (sum(sizes) / len(sizes) / 1000, "kB")})


def run_stage(size: Size, name: str) -> None:
    """Run one stage of the way from photos to the dataset."""
    since = time.time()
    run = darkroom(size, "--", *stages(size)[name])
    figures = _run_figures(run)
    if run.jobs.total():
        counts = {rule: (count, "") for rule, count in inferences(size, since).items() if count}
        keep(size, name, figures | counts)
    else:
        print(f"{size.photos} photos, {name}: done before")


def check_again(size: Size) -> None:
    """Measure a dry run and a run with nothing to do."""
    target = stages(size)["dataset"]
    for name, options in (("dry run", ["-n"]), ("no-op", [])):
        run = darkroom(size, *options, "--", *target)
        if run.jobs.total():
            raise RuntimeError(f"{name}: {run.jobs} should have been done already")
        keep(size, name, _run_figures(run))


def add_one(size: Size) -> None:
    """Add a photo without a mask and bring the dataset up to date; take the photo away afterwards."""
    # Another one each time: of one that was there before, everything is remembered.
    number = int(time.time())
    list(make_photos(range(number, number + 1), size.folder / "photos", None, size.pixels, size.grain))
    path = size.folder / "photos" / f"photo-{number:06d}.jpg"
    since = time.time()
    try:
        target = stages(size)["dataset"]
        keep(size, "dry run, one more", _run_figures(darkroom(size, "-n", "--", *target)))
        run = darkroom(size, "--", *target)
        counts: dict[str, tuple[float, str]] = {rule: (count, "") for rule, count in inferences(size, since).items()}
        keep(size, "one more", _run_figures(run) | counts)
    finally:
        path.unlink()


def peer(size: Size) -> None:
    """The plain idiom over the same photos: five rules that each make a file per photo, and one that gathers the last.

    Its first run is left out: the files are written here and made known by --touch, which records less than a run
    does, so that the runs measured after it have less to read.
    """
    folder = size.folder / "peer"
    for stage in PEER_STAGES:
        (folder / stage).mkdir(parents=True, exist_ok=True)
    (folder / "Snakefile").write_text(PEER)
    if not (folder / "photos").is_symlink():
        (folder / "photos").symlink_to(size.folder / "photos")
    photos = sorted((folder / "photos").glob("*.jpg"))
    for stage in PEER_STAGES:
        for photo in photos:
            (folder / stage / f"{photo.stem}.txt").write_text(f"{photo.stat().st_size}\n")
    (folder / "captions.txt").write_text("")
    arguments = ("--snakefile", str(folder / "Snakefile"), "--workflow-profile", "none")
    snakemake(folder, "--touch", *arguments)
    for name, options in (("dry run", ["-n"]), ("no-op", [])):
        run = snakemake(folder, *options, *arguments)
        if run.jobs.total():
            raise RuntimeError(f"peer, {name}: {run.jobs} should have been done already")
        keep(size, f"peer, {name}", _run_figures(run))
    extra = range(size.photos, size.photos + 1)
    list(make_photos(extra, size.folder / "photos", None, size.pixels, size.grain))
    try:
        keep(size, "peer, one more", _run_figures(snakemake(folder, *arguments)))
    finally:
        (size.folder / "photos" / f"photo-{size.photos:06d}.jpg").unlink()


def report(size: Size) -> bool:
    """Write the kept figures into the table, print the ratios to the peer, and say whether every goal is met."""
    figures = json.loads((size.folder / "figures.json").read_text())
    own = "CPU of Snakemake's own"
    for step in ("dry run", "no-op", "one more"):
        if f"peer, {step}" in figures and step in figures:
            ratio = figures[f"peer, {step}"][own][0] / figures[step][own][0]
            figures[step]["peer's CPU over ours"] = [round(ratio, 1), ""]
            print(f"{size.photos} photos, {step}: the peer takes {ratio:.1f} times our CPU time")
    met = True
    for step, goal in size.goals.items():
        if step not in figures:
            print(f"{size.photos} photos, {step}: not measured")
            met = False
            continue
        value = figures[step][own][0]
        met &= value <= goal
        print(
            f"{size.photos} photos, {step}: {value:.1f} s of at most {goal:g} s, {'met' if value <= goal else 'MISSED'}"
        )
    if "one more" in figures:
        once = all(figures["one more"][rule][0] == 1 for rule in MODEL_STAGES)
        met &= once
        print(f"{size.photos} photos, one more: one inference per stage {'met' if once else 'MISSED'}")
    _write_results(size, figures)
    return met


def _write_results(size: Size, figures: dict[str, dict[str, list[Any]]]) -> None:
    """Replace the rows of this size in the table of results."""
    rows = []
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["photos"] != str(size.photos)]
    for step, values in figures.items():
        for name, (value, unit) in values.items():
            cells = (str(size.photos), step, name, f"{value:g}", unit)
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: int(row["photos"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=1000, help="how many; more than 1,000 are small, with masks")
    parser.add_argument("--steps", nargs="*", help="make, run or a stage of it, again, one-more, peer, report; all")
    arguments = parser.parse_args()
    size = size_of(arguments.photos)
    write_config(size)
    met = True
    for step in arguments.steps or ("make", "run", "again", "peer", "one-more", "report"):
        if step == "run":
            for name in stages(size):
                run_stage(size, name)
        elif step in stages(size):
            run_stage(size, step)
        elif step == "report":
            met = report(size)
        else:
            {"make": make, "again": check_again, "one-more": add_one, "peer": peer}[step](size)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
