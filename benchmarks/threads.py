"""A picture and a training step of the quickstart on one thread and on two, alone and beside two endless loops.

    PYTHONPATH=scripts python benchmarks/threads.py

Each figure comes from processes of its own, which take turns, so that what else the machine does meets all of them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET, ENCODINGS = "pocket-sdxl", Path("results/toybox/pocket-sdxl/encodings.csv")
THREADS, LOOPS = (1, 2), (0, 2)
WHAT = ("picture", "training step")
PICTURES, STEPS, WARM_UP = 6, 24, 4
# What the default number of threads may cost: in time beside the best number, in work when the machine is busy.
TIME_GOAL, WORK_GOAL = 1.2, 1.3
Seconds = tuple[float, float]  # of the clock and of the processor


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Endless loops beside what is measured."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def now() -> Seconds:
    """Clock and processor time of this process, in seconds."""
    return time.perf_counter(), time.process_time()


def each(marks: list[Seconds]) -> Seconds:
    """The mean seconds between marks, without those of the first `WARM_UP`."""
    kept = marks[WARM_UP:]
    clock, work = ((last - first) / (len(kept) - 1) for first, last in zip(kept[0], kept[-1], strict=True))
    return clock, work


def time_pictures(target: Any, threads: int) -> Seconds:
    """The seconds of a picture of the target's size."""
    from darkroom.families.base import family
    from darkroom.jobs.device import prepare_device
    from darkroom.training.rendering import Picture, render

    pipeline = family(target.family).load_pipeline(Path(target.model), prepare_device("cpu", threads))
    image_size, render_settings = target.crop.image_size, target.render
    marks = [now()]
    for seed in range(WARM_UP + PICTURES):
        render(
            pipeline,
            Picture("a toy", seed, image_size, image_size, render_settings.sampling_steps, render_settings.guidance),
        )
        marks.append(now())
    return each(marks)


def time_steps(project: Any, target: Any, threads: int) -> Seconds:
    """The seconds of a training step of the quickstart's main run."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    from darkroom.config.base import ComputeSettings
    from darkroom.config.loading import run_training
    from darkroom.families.base import family
    from darkroom.training.encodings import read_encodings
    from darkroom.training.lora_recipe import Recipe, train_lora
    from darkroom.training.resume_state import SavingClock

    steps = WARM_UP + STEPS + 1
    settings = run_training(target, project.training, {"steps": steps, "checkpoint_every": steps}, "main")
    recipe = Recipe(settings, target.prior, project.validation, ComputeSettings(device="cpu", training_threads=threads))
    marks: list[Seconds] = []
    register_optimizer_step_post_hook(lambda *_: marks.append(now()))
    encodings = read_encodings(ENCODINGS, ENCODINGS.with_suffix(""))
    with tempfile.TemporaryDirectory() as work:
        train_lora(family(target.family), Path(target.model), encodings, recipe, Path(work), SavingClock())
    return each(marks)


def measure(threads: int) -> dict[str, Seconds]:
    """Both figures on a number of threads, in this process."""
    import yaml

    from darkroom.config.loading import check, load_target
    from darkroom.config.project import Config

    project = check(Config, yaml.safe_load((ROOT / "config" / "config.yaml").read_text()), "config")
    target = load_target(TARGET, ROOT)
    return {WHAT[0]: time_pictures(target, threads), WHAT[1]: time_steps(project, target, threads)}


def measured(threads: int) -> dict[str, Seconds]:
    """The same from a process of its own; its log goes to stderr."""
    command = [sys.executable, __file__, "--measure", str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return {name: tuple(seconds) for name, seconds in json.loads(done.stdout.splitlines()[-1]).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="processes per figure, of which the median is told")
    parser.add_argument("--measure", type=int, metavar="THREADS", help="measure in this process only")
    arguments = parser.parse_args()
    from darkroom.jobs.log import show_log

    show_log()
    if arguments.measure is not None:
        print(json.dumps(measure(arguments.measure)))
        return
    subprocess.run(["snakemake", "--quiet", "all", "--cores", "all", "--", str(ENCODINGS)], check=True, cwd=ROOT)
    found: dict[tuple[int, int], list[dict[str, Seconds]]] = {}
    for _ in range(arguments.rounds):
        for loops in LOOPS:
            for threads in THREADS:
                with busy(loops):
                    found.setdefault((loops, threads), []).append(measured(threads))

    def middle(loops: int, threads: int, what: str, part: int) -> float:
        return median(figures[what][part] for figures in found[loops, threads])

    met = True
    for what in WHAT:
        print(f"| {what} | seconds | CPU-seconds | seconds, two loops beside | CPU-seconds, two loops beside |")
        print("|---|---|---|---|---|")
        for threads in THREADS:
            cells = [f"{middle(loops, threads, what, part):.3f}" for loops in LOOPS for part in (0, 1)]
            print(f"| {threads} thread{'s' if threads > 1 else ' (default)'} | {' | '.join(cells)} |")
        slower = middle(0, 1, what, 0) / min(middle(0, threads, what, 0) for threads in THREADS)
        work = middle(2, 1, what, 1) / middle(0, 1, what, 1)
        met = met and slower <= TIME_GOAL and work <= WORK_GOAL
        print(
            f"{what}: the default takes {slower:.2f} times the best time (goal {TIME_GOAL}), and {work:.2f} times its "
            f"CPU-seconds beside two loops (goal {WORK_GOAL})\n"
        )
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
