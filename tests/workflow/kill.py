"""Kill the walk at random moments and see that the next run ends as if nothing had happened.

    python tests/workflow/kill.py --kills 20 --seed 1
    python tests/workflow/kill.py --each-stage --changed

Each trial has a fresh checkout and an empty cache. `snakemake` runs config/mini.yaml; at a random moment a random
victim (Snakemake, a running job or the whole process group) gets SIGKILL; then `snakemake` runs again until it ends.
With `--changed` a trial begins on top of finished results to which a photo has come; with `--each-stage` a job of each
rule is killed once. A line per trial; exit code 1 if any trial ended otherwise than the undisturbed walk.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from checkout import Checkout, finished_walk, make_checkout, started
from rerun_cases import add_photo
from results_bytes import cached_bytes, final_bytes
from walk_checks import Undisturbed, Walk, problems, stamps

COMMAND = ["snakemake", "--cores", "2", "--configfile", "config/mini.yaml"]
VICTIMS = ("snakemake", "job", "group")
STAGES = (
    *("mask_subjects", "crop_to_buckets", "gather_masks", "assemble_dataset"),
    *("train_lora", "render_samples", "publish_lora"),
)
POLL = 0.02


@dataclass
class Trial:
    """What came of one kill."""

    victim: str
    moment: float
    running: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        stage = "+".join(self.running) or "between jobs"
        return f"{self.moment:6.1f} s  {self.victim:9}  {stage:40}  {'; '.join(self.problems) or 'same'}"


def start_walk(checkout: Checkout, name: str, *options: str) -> Walk:
    """Start Snakemake in a process group of its own."""
    output = checkout.folder / f"{name}.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, *options],
            cwd=checkout.folder,
            env=checkout.environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Walk(checkout, process, output)


def running_jobs(checkout: Checkout) -> dict[int, str]:
    """The scripts at work in a checkout: process number and rule, which its log file tells."""
    logs = checkout.folder / "logs" / "mini"
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                log = (entry / "fd" / "1").readlink()
                if b"scripts/" in (entry / "cmdline").read_bytes() and log.is_relative_to(logs):
                    found[int(entry.name)] = log.relative_to(logs).parts[0].removesuffix(".log")
            except OSError:
                continue
    return found


def prepare(folder: Path, finished: Checkout | None) -> Checkout:
    """A fresh checkout; or a copy of a finished one to which a photo has come."""
    if finished is None:
        return make_checkout(folder)
    checkout = finished.copy(folder)
    add_photo(checkout.folder)
    return checkout


def walk_undisturbed(checkout: Checkout) -> Undisturbed:
    """Run the walk once and measure it."""
    walk = start_walk(checkout, "undisturbed")
    begin = time.monotonic()
    seconds: Counter[str] = Counter()
    while walk.process.poll() is None:
        for rule in set(running_jobs(checkout).values()):
            seconds[rule] += POLL
        time.sleep(POLL)
    if walk.process.returncode != 0:
        raise SystemExit(f"the undisturbed walk failed\n{walk.text()}")
    length = time.monotonic() - begin
    return Undisturbed(
        length, dict(seconds), started(walk.text()), final_bytes(checkout, "mini"), cached_bytes(checkout)
    )


def remembered(file: Path | None, folder: Path, finished: Checkout | None) -> Undisturbed:
    """The undisturbed walk as a file remembers it, else walked now and, where a file is given, written there."""
    if file is not None and file.exists():
        known = json.loads(file.read_text())
        return Undisturbed(**known | {"started": Counter(known["started"])})
    walked = walk_undisturbed(prepare(folder, finished))
    if file is not None:
        file.write_text(json.dumps(vars(walked)))
    return walked


def wait_until(walk: Walk, moment: float, stage: str | None) -> None:
    """Sleep until a moment of the walk, or until a moment after a job of a stage has begun."""
    if stage is not None:
        while walk.process.poll() is None and stage not in running_jobs(walk.checkout).values():
            time.sleep(POLL)
    end = time.monotonic() + moment
    while walk.process.poll() is None and time.monotonic() < end:
        time.sleep(POLL)


def kill_job(walk: Walk, stage: str | None) -> list[str] | None:
    """Kill a job, of a stage where one of it runs, as soon as there is any; return the rules that were at work."""
    while walk.process.poll() is None:
        working = running_jobs(walk.checkout)
        numbers = [number for number, rule in working.items() if rule == stage] or sorted(working)
        if numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(numbers), signal.SIGKILL)
                return sorted(working.values())
        time.sleep(POLL)
    return None


def kill(walk: Walk, victim: str, stage: str | None) -> list[str] | None:
    """Send SIGKILL to the victim and return the rules that were at work once Snakemake has ended.

    None where the walk had ended before.
    """
    if victim == "job":
        working = kill_job(walk, stage)
    else:
        working = sorted(running_jobs(walk.checkout).values())
        if walk.process.poll() is not None:
            return None
        if victim == "snakemake":
            walk.process.kill()
        else:
            os.killpg(walk.process.pid, signal.SIGKILL)
    walk.process.wait()
    return working


def try_kill(
    folder: Path,
    wanted: Undisturbed,
    victim: str,
    moment: float,
    stage: str | None = None,
    finished: Checkout | None = None,
) -> Trial:
    """One trial in a fresh checkout, or on top of a finished one.

    Where the walk, or the job of the stage, ends before the moment comes, another trial with an earlier moment: a
    machine with other work to do is not as fast every time.
    """
    checkout = prepare(folder, finished)
    first = start_walk(checkout, "first")
    trial = Trial(victim, moment)
    wait_until(first, moment, stage)
    working = kill(first, victim, stage)
    if working is None or (stage is not None and stage not in working and moment > POLL):
        return try_kill(folder.with_name(f"{folder.name}-earlier"), wanted, victim, 0.5 * moment, stage, finished)
    trial.running = working
    before = stamps(checkout)
    again = start_walk(checkout, "again")
    again.process.wait()
    trial.problems = list(problems(first, again, before, wanted))
    return trial


def planned_kills(arguments: argparse.Namespace, wanted: Undisturbed) -> Iterator[tuple[int, str, str | None, float]]:
    """The trials: number, victim, rule, and moment in seconds from the start, or from the rule's first job."""
    stages = sorted(wanted.started) if arguments.each_stage else [arguments.stage] * (arguments.first + arguments.kills)
    for number, stage in enumerate(stages[arguments.first :], arguments.first):
        random.seed(f"{arguments.seed} {number}")
        victim = "job" if arguments.each_stage else random.choice(VICTIMS)
        seconds = wanted.rule_seconds.get(stage, 0.0) if stage else wanted.seconds
        yield number, victim, stage, random.uniform(0, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the walk at random moments and run it again.")
    parser.add_argument("--kills", type=int, default=20, help="number of trials")
    parser.add_argument("--seed", type=int, default=0, help="of moments and victims")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial, to go on with a seed")
    parser.add_argument("--undisturbed", type=Path, help="file that remembers the undisturbed walk between pieces")
    parser.add_argument("--changed", action="store_true", help="on top of finished results to which a photo has come")
    parser.add_argument("--each-stage", action="store_true", help="kill a job of each rule once, instead of --kills")
    parser.add_argument("--stage", choices=STAGES, help="kill while a job of this rule is at work")
    parser.add_argument("--keep", action="store_true", help="keep the folders of the trials")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="kill-"))
    finished = finished_walk(work / "finished") if arguments.changed else None
    wanted = remembered(arguments.undisturbed, work / "undisturbed", finished)
    print(f"undisturbed: {wanted.seconds:.0f} s, {wanted.started.total()} jobs, {len(wanted.cached)} cached files")
    trials = failed = 0
    for number, victim, stage, moment in planned_kills(arguments, wanted):
        folder = work / f"trial-{number}"
        trial = try_kill(folder, wanted, victim, moment, stage, finished)
        print(f"seed {arguments.seed} trial {number:3}: {trial}", flush=True)
        trials += 1
        failed += bool(trial.problems)
        if not arguments.keep and not trial.problems:
            for done in (folder, *work.glob(f"{folder.name}-earlier*")):
                shutil.rmtree(done)
    print(f"{trials - failed}/{trials} kills left no trace")
    if not arguments.keep and not failed:
        shutil.rmtree(work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
