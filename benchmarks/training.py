"""A training step beside the matching example scripts of diffusers: seconds and memory, as ratios.

    git clone https://github.com/huggingface/diffusers build/diffusers
    PYTHONPATH=scripts python benchmarks/training.py --diffusers build/diffusers

Every trainer gets the same random-weight model, pictures, batch, resolution, precision and number of threads, and
trains the same number of adapter weights; what is encoded beforehand is the best that each offers. Runs alternate, so
that what else the machine does meets all of them; ratios are those of runs that follow each other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

from training_models import make_model, make_pictures, weights_of

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, Recipe, TrainingSettings, ValidationSettings
from darkroom.contracts.manifest import Frame, manifest_json
from darkroom.families.base import family as family_module
from darkroom.models.fetch import lock_local
from darkroom.storage.files import sha256_file, write_json

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "training"
MEASURED = Path(__file__).with_name("measured_training.py")
# One caption for all pictures: the scripts of diffusers remember what one says, not what each says.
CAPTION = "mimi_toy toy on a table"
RANK = 16
RATE = 1e-4
# What the first steps pay for once: buffers, kernels, the optimizer's state.
WARM_UP = 2
TIME_GOAL, MEMORY_GOAL = 0.95, 0.8


@dataclass(frozen=True)
class Task:
    """What every trainer does: the family's model, pictures, batch, side in pixels, steps, and on what it runs."""

    family: str
    model: Path
    pictures: Path
    batch: int
    side: int
    steps: int
    checkpointing: bool
    device: str
    precision: str
    threads: int

    @property
    def layers(self) -> list[str]:
        """The layers with adapters: the attention's."""
        return list(family_module(self.family).LAYERS["attention"])


@dataclass(frozen=True)
class Figures:
    """One run: wall and processor seconds of a step, trained weights, and the most memory in MB.

    Memory is that of the steps and that of the whole run, encoding and saving included; on a GPU that of its steps.
    """

    seconds: float
    work: float
    weights: int
    memory: float
    memory_of_run: float


class Noted(TypedDict):
    """What `measured_training.py` notes of a run: seconds at each step's end, trained weights, bytes."""

    clock: list[float]
    work: list[float]
    weights: int
    memory: int
    memory_of_run: int
    gpu: int


def measured(task: Task, folder: Path, name: str, script: Path, arguments: Iterable[object]) -> Noted:
    """Run a training script in a process of its own and return what was noted of it. RuntimeError where it fails."""
    report, log = folder / f"{name}.json", folder / f"{name}.log"
    environment = os.environ | {"OMP_NUM_THREADS": str(task.threads), "HF_HUB_OFFLINE": "1"}
    if task.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    command = [sys.executable, str(MEASURED), str(report), str(script), *map(str, arguments)]
    with log.open("w", encoding="utf-8") as output:
        code = subprocess.run(command, check=False, stdout=output, stderr=subprocess.STDOUT, env=environment).returncode
    if code != 0:
        raise RuntimeError(f"{script.name} ended with {code}; the end of {log}:\n{log.read_text()[-2000:]}")
    noted: Noted = json.loads(report.read_text())
    return noted


def figures_of(task: Task, noted: Noted, memory_before: int = 0) -> Figures:
    """The figures of a run from what was noted of it; RuntimeError where it did not take the steps it was told to."""
    clock, work = noted["clock"], noted["work"]
    if len(clock) != task.steps:
        raise RuntimeError(f"{len(clock)} steps were taken, not {task.steps}")

    def a_step(times: list[float]) -> float:
        return median(end - start for start, end in zip(times[WARM_UP - 1 :], times[WARM_UP:], strict=False))

    memory = noted["gpu"] if task.device == "cuda" else noted["memory"]
    of_run = max(memory_before, noted["memory_of_run"])
    return Figures(a_step(clock), a_step(work), noted["weights"], memory / 1e6, of_run / 1e6)


def run_darkroom(task: Task, folder: Path) -> Figures:
    """The commands of the rules encode_dataset and train_lora."""
    compute = ComputeSettings(device="gpu" if task.device == "cuda" else "cpu", training_threads=task.threads)
    settings = TrainingSettings(
        optimizer="adamw",
        learning_rate=RATE,
        rank=RANK,
        alpha=RANK,
        steps=task.steps,
        batch=task.batch,
        checkpoint_every=task.steps,
        masked_loss=False,
        caption_dropout=0.0,
        precision=task.precision,
        gradient_checkpointing=task.checkpointing,
    )
    manifest, lock, table = folder / "manifest.json", folder / "model.json", folder / "encodings.csv"
    write_json(manifest, manifest_json([frame(task, picture) for picture in sorted(task.pictures.iterdir())]))
    write_json(lock, lock_local(str(task.model)).to_json())
    common = ["--model", lock, "--family", task.family]
    encode = ["--manifest", manifest, "--images", task.pictures, "--masks", task.pictures]
    encode += ["--compute", compute.to_argument(), "--cache", folder / "cache"]
    encode += ["--encodings", folder / "encodings", "--table", table]
    encoded = measured(task, folder, "encode_dataset", ROOT / "scripts" / "encode_dataset.py", common + encode)
    recipe = Recipe(settings, PriorSettings(), ValidationSettings(timesteps=1, frames=1), compute)
    train = ["--encodings", table, "--recipe", recipe.to_argument(), "--states", folder / "states", "--output", folder]
    trained = measured(task, folder, "train_lora", ROOT / "scripts" / "train_lora.py", common + train)
    return figures_of(task, trained, encoded["memory_of_run"])


def frame(task: Task, picture: Path) -> Frame:
    """A picture as the dataset's manifest lists it."""
    return Frame(
        frame=picture.stem,
        photo=picture.stem,
        photo_sha256="",
        split="train",
        width=task.side,
        height=task.side,
        original_width=task.side,
        original_height=task.side,
        crop_left=0,
        crop_top=0,
        caption=CAPTION,
        untriggered=CAPTION,
        caption_sha256="",
        picture_sha256=sha256_file(picture),
        mask_sha256="",
    )


def run_diffusers(checkout: Path, task: Task, folder: Path) -> Figures:
    """The example script of the family; it encodes the caption once (SDXL) or the pictures (FLUX), not both."""
    script = checkout / "examples" / "dreambooth" / f"train_dreambooth_lora_{task.family}.py"
    options: dict[str, object] = {
        "pretrained_model_name_or_path": task.model,
        "instance_data_dir": task.pictures,
        "instance_prompt": CAPTION,
        "output_dir": folder / "output",
        "resolution": task.side,
        "train_batch_size": task.batch,
        "max_train_steps": task.steps,
        "learning_rate": RATE,
        "lr_warmup_steps": 0,
        "optimizer": "adamw",
        "rank": RANK,
        "mixed_precision": {"fp32": "no"}.get(task.precision, task.precision),
        "seed": 0,
    }
    switches = ["--center_crop"] + ["--gradient_checkpointing"] * task.checkpointing
    if task.family == "flux":
        options |= {"lora_alpha": RANK, "lora_layers": ",".join(task.layers), "guidance_scale": 1}
        switches.append("--cache_latents")
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return figures_of(task, measured(task, folder, "diffusers", script, [*words, *switches]))


Trainer = Callable[[Task, Path], Figures]


def compare(task: Task, trainers: dict[str, Trainer], rounds: int) -> dict[str, list[Figures]]:
    """All runs by trainer, taken by turns; RuntimeError where they do not train equally many weights."""
    found: dict[str, list[Figures]] = {name: [] for name in trainers}
    for number in range(rounds):
        for name, trainer in trainers.items():
            folder = WORK / "runs" / task.family / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            figures = trainer(task, folder)
            found[name].append(figures)
            print(f"{task.family}, round {number + 1}, {name}: {figures.seconds:.2f} s per step", flush=True)
    counts = {name: figures[0].weights for name, figures in found.items()}
    if len(set(counts.values())) > 1:
        raise RuntimeError(f"{task.family}: the trainers do not train equally many weights: {counts}")
    return found


def middle(runs: list[Figures], value: Callable[[Figures], float]) -> float:
    """The median of a figure over the runs."""
    return median(value(run) for run in runs)


VALUES: dict[str, Callable[[Figures], float]] = {
    "s/step": lambda run: run.seconds,
    "CPU s/step": lambda run: run.work,
    "MB, steps": lambda run: run.memory,
    "MB, run": lambda run: run.memory_of_run,
}


def report(task: Task, found: dict[str, list[Figures]]) -> None:
    """The table of a family: each figure and, in brackets, its ratio to that of diffusers' script."""
    print(f"\n| {task.family} | adapter weights | {' | '.join(VALUES)} |\n|{'---|' * (2 + len(VALUES))}")
    for name, runs in found.items():
        cells = []
        for value in VALUES.values():
            ratio = median(value(own) / value(peer) for own, peer in zip(runs, found["diffusers"], strict=True))
            figure = middle(runs, value)
            cells.append(f"{figure:.2f} ({ratio:.2f})" if figure < 100 else f"{figure:.0f} ({ratio:.2f})")
        print(f"| {name} | {runs[0].weights:,} | {' | '.join(cells)} |")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffusers", type=Path, required=True, help="a checkout of diffusers")
    parser.add_argument("--families", nargs="+", choices=("sdxl", "flux"), default=["sdxl", "flux"])
    parser.add_argument("--batch", type=int, default=1, help="pictures per step")
    parser.add_argument("--side", type=int, default=512, help="of the pictures, in pixels")
    parser.add_argument("--steps", type=int, default=8, help=f"of each run; the first {WARM_UP} are not timed")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each trainer")
    parser.add_argument("--threads", type=int, default=1, help="threads of each trainer")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--no-checkpointing", action="store_true", help="keep all activations")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    trainers: dict[str, Trainer] = {
        "diffusers": lambda task, folder: run_diffusers(arguments.diffusers, task, folder),
        "darkroom": run_darkroom,
    }
    shutil.rmtree(WORK / "pictures", ignore_errors=True)
    make_pictures(WORK / "pictures", 2 * arguments.batch, arguments.side)
    for family in arguments.families:
        model = make_model(family, WORK / "models")
        print(f"{family}: millions of weights: {weights_of(model)}", flush=True)
        task = Task(
            family,
            model,
            WORK / "pictures",
            arguments.batch,
            arguments.side,
            arguments.steps,
            not arguments.no_checkpointing,
            arguments.device,
            arguments.precision,
            arguments.threads,
        )
        report(task, compare(task, trainers, arguments.rounds))


if __name__ == "__main__":
    main()
