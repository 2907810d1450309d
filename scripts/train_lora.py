"""Train a LoRA on the encodings of a dataset, or go on where an interrupted training stopped."""

import argparse
import shutil
import sys
from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, Recipe, TrainingSettings, ValidationSettings, check_compute
from darkroom.errors import UserError
from darkroom.families.base import family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.models.lock import read_lock
from darkroom.storage.cache import cache_key
from darkroom.storage.code_version import installed_version, stage_code
from darkroom.storage.files import link_or_copy, sha256_file, write_json, write_sums
from darkroom.storage.process_identity import wait_for_lock
from darkroom.storage.tables import write_table
from darkroom.training.encodings import Encodings, read_encodings
from darkroom.training.launch import (
    is_first,
    is_node_launcher,
    is_worker,
    launch,
    noting_failures,
    refuse_other_launchers,
)
from darkroom.training.preflight import check_training
from darkroom.training.resume_state import (
    LOG_COLUMNS,
    VALIDATION_COLUMNS,
    Progress,
    SavingClock,
    checkpoints_of,
    finished_training,
    noted_hashes,
)

PACKAGES = (
    "torch", "diffusers", "transformers", "peft", "accelerate", "safetensors",
    "prodigyopt", "bitsandbytes", "schedulefree",
)  # fmt: skip


def code_hash(family_name: str) -> str:
    """The sha256 of all code that a training is made of: an unfinished one never goes on with other code."""
    scripts = Path(__file__).parent
    module = scripts / "darkroom" / "families" / f"{family_name}.py"
    files = {module, *stage_code(module, scripts), *stage_code(Path(__file__), scripts)}
    # Not every package is to be had everywhere: what is not installed has the empty version.
    versions = [installed_version(name) for name in PACKAGES]
    return cache_key(files=[sha256_file(file) for file in sorted(files)], packages=versions)


def train(
    family_name: str, model: Path, encodings: Encodings, recipe: Recipe, workplace: Path, events: Path | None
) -> Progress:
    """Train to the end, or go on; UserError, one line, where the GPU's memory does not suffice."""
    import torch

    from darkroom.training.event_file import EventFile
    from darkroom.training.lora_recipe import train_lora
    from darkroom.training.memory_estimate import Need, memory_need, samples_at_once, what_to_change

    curves = EventFile(events) if events is not None and is_first() else None
    try:
        return train_lora(family(family_name), model, encodings, recipe, workplace, SavingClock(), curves)
    except torch.OutOfMemoryError:
        samples = samples_at_once(recipe.training, recipe.prior, recipe.compute.training_processes)
        need = memory_need(family(family_name), model, encodings, recipe.training, samples) or Need(0.0, 0.0, 0.0)
        advice = what_to_change(need, recipe.training, samples)
        raise UserError(f"training: the GPU's memory does not suffice; {advice}") from None
    finally:
        if curves is not None:
            curves.close()


def draw_again(done: Progress, events: Path | None) -> None:
    """The curves of a training that was finished before, perhaps under another label."""
    from darkroom.training.event_file import EventFile  # its package loads torch

    if events is not None:
        curves = EventFile(events)
        curves.show(done)
        curves.close()


def write_outputs(done: Progress, workplace: Path, outputs: argparse.Namespace) -> None:
    """Lay out the checkpoints of a finished training, its tables and the machine it ran on."""
    shutil.rmtree(outputs.checkpoints, ignore_errors=True)
    for path in checkpoints_of(workplace):
        link_or_copy(path, outputs.checkpoints / path.name)
    hashes = noted_hashes(workplace).items()
    write_sums(outputs.sums, {f"{outputs.checkpoints.name}/{name}": sha256 for name, sha256 in hashes})
    write_table(outputs.log, LOG_COLUMNS, done.log, keep_order=True)
    write_table(outputs.losses, VALIDATION_COLUMNS, done.validation, keep_order=True)
    write_json(outputs.machine, done.machine)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--encodings", type=Path, required=True, help="encodings.csv, beside the folder encodings/")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--settings", required=True, help="TrainingSettings as JSON")
    parser.add_argument("--prior", required=True, help="PriorSettings as JSON")
    parser.add_argument("--validation", required=True, help="ValidationSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--states", type=Path, required=True, help="folder of unfinished and finished trainings")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of checkpoints, to write")
    parser.add_argument("--sums", type=Path, required=True, help="SHA256SUMS of the checkpoints, to write")
    parser.add_argument("--log", type=Path, required=True, help="log.csv, to write")
    parser.add_argument("--losses", type=Path, required=True, help="validation.csv, to write")
    parser.add_argument("--machine", type=Path, required=True, help="what of the machine decides bytes, to write")
    parser.add_argument("--events", type=Path, help="folder of curves for TensorBoard, written while it trains")
    arguments = parser.parse_args()
    refuse_other_launchers()
    recipe = Recipe(
        TrainingSettings.from_argument(arguments.settings),
        PriorSettings.from_argument(arguments.prior),
        ValidationSettings.from_argument(arguments.validation),
        ComputeSettings.from_argument(arguments.compute),
    )
    check_compute(recipe.training, recipe.prior, recipe.compute)
    # Whether there is such a family, before its code is hashed.
    family(arguments.family)
    model = read_lock(arguments.model)
    encodings = read_encodings(arguments.encodings, arguments.encodings.with_suffix(""))
    state = cache_key(
        recipe=[arguments.settings, arguments.prior, arguments.validation, arguments.compute],
        encodings=sha256_file(arguments.encodings),
        model=model.digest,
        code=code_hash(arguments.family),
    )
    workplace = arguments.states / state[:32]
    if is_worker():
        done = train(arguments.family, model.path, encodings, recipe, workplace, arguments.events)
    elif is_node_launcher():
        launch(__file__, sys.argv[1:], recipe.compute, workplace)
        return
    else:
        workplace.mkdir(parents=True, exist_ok=True)
        # Open until this process ends: the same training in another project waits, and then finds it finished.
        held = (workplace / "lock").open("a", encoding="utf-8")
        wait_for_lock(held, "the same training in another project")
        finished = finished_training(workplace)
        if finished is None:
            print(f"train_lora: {check_training(encodings, recipe.training, recipe.prior)}", flush=True)
        if finished is None and recipe.compute.training_processes > 1:
            launch(__file__, sys.argv[1:], recipe.compute, workplace)
            return
        if finished is not None:
            draw_again(finished, arguments.events)
        done = finished or train(arguments.family, model.path, encodings, recipe, workplace, arguments.events)
    if is_first():
        write_outputs(done, workplace, arguments)
        computed = done.step - done.began_after
        print(f"train_lora: steps {done.step}/{recipe.training.steps}, computed {computed}, {done.seconds:.0f} s")


if __name__ == "__main__":
    run_command(noting_failures(main))
