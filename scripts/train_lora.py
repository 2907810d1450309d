"""Train a LoRA on the encodings of a dataset, or go on where an interrupted training stopped."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.training import Recipe, check_compute
from darkroom.contracts.training_tables import LoggedStep, Validation
from darkroom.errors import UserError
from darkroom.families.base import family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.lock import read_lock
from darkroom.storage.cache import cache_key
from darkroom.storage.code_version import installed_version, stage_code
from darkroom.storage.files import link_or_copy, sha256_file, write_json, write_sums
from darkroom.storage.process_identity import wait_for_lock
from darkroom.storage.tables import write_rows
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
    CHECKPOINTS,
    SavingClock,
    TrainingState,
    checkpoints_of,
    finished_training,
    noted_hashes,
)

PACKAGES = (
    "torch", "diffusers", "transformers", "peft", "accelerate", "safetensors",
    "prodigyopt", "bitsandbytes", "schedulefree",
)  # fmt: skip


@dataclass(frozen=True)
class Arguments:
    encodings: Annotated[Path, "encodings.csv, beside the folder encodings/"]
    model: Annotated[Path, "lock file of the base model"]
    family: str
    recipe: Annotated[Recipe, "all settings that decide the LoRA, as JSON"]
    states: Annotated[Path, "folder of unfinished and finished trainings"]
    output: Annotated[
        Path, "folder to write: checkpoints/, SHA256SUMS, log.csv, validation.csv, machine.json, tensorboard/"
    ]


def code_hash(family_name: str) -> str:
    """The sha256 of all code that a training is made of: an unfinished one never goes on with other code."""
    scripts = Path(__file__).parent
    module = scripts / "darkroom" / "families" / f"{family_name}.py"
    files = {module, *stage_code(module, scripts), *stage_code(Path(__file__), scripts)}
    # Not every package is to be had everywhere: what is not installed has the empty version.
    versions = [installed_version(name) for name in PACKAGES]
    return cache_key(files=[sha256_file(file) for file in sorted(files)], packages=versions)


def train(
    family_name: str, model: Path, encodings: Encodings, recipe: Recipe, run_dir: Path, events: Path
) -> TrainingState:
    """Train to the end, or go on; UserError, one line, where the GPU's memory does not suffice."""
    import torch

    from darkroom.training.event_file import EventFile
    from darkroom.training.lora_recipe import train_lora
    from darkroom.training.memory_estimate import Need, memory_need, samples_at_once, what_to_change

    curves = EventFile(events) if is_first() else None
    try:
        return train_lora(family(family_name), model, encodings, recipe, run_dir, SavingClock(), curves)
    except torch.OutOfMemoryError:
        samples = samples_at_once(recipe.training, recipe.prior, recipe.compute.training_processes)
        need = memory_need(family(family_name), model, encodings, recipe.training, samples) or Need(0.0, 0.0, 0.0)
        advice = what_to_change(need, recipe.training, samples)
        raise UserError(f"training: the GPU's memory does not suffice; {advice}") from None
    finally:
        if curves is not None:
            curves.close()


def draw_again(done: TrainingState, events: Path) -> None:
    """The curves of a training that was finished before, perhaps under another label."""
    from darkroom.training.event_file import EventFile  # its package loads torch

    curves = EventFile(events)
    curves.show(done)
    curves.close()


def write_outputs(done: TrainingState, run_dir: Path, output: Path) -> None:
    """Lay out the checkpoints of a finished training, its tables and the machine it ran on."""
    checkpoints = output / CHECKPOINTS
    shutil.rmtree(checkpoints, ignore_errors=True)
    for path in checkpoints_of(run_dir):
        link_or_copy(path, checkpoints / path.name)
    write_sums(output / "SHA256SUMS", {f"{CHECKPOINTS}/{name}": sha for name, sha in noted_hashes(run_dir).items()})
    write_rows(output / "log.csv", LoggedStep, done.log, keep_order=True)
    write_rows(output / "validation.csv", Validation, done.validation, keep_order=True)
    write_json(output / "machine.json", done.machine)


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    refuse_other_launchers()
    recipe, events = arguments.recipe, arguments.output / "tensorboard"
    check_compute(recipe.training, recipe.prior, recipe.compute)
    # Whether there is such a family, before its code is hashed.
    family(arguments.family)
    model = read_lock(arguments.model)
    encodings = read_encodings(arguments.encodings, arguments.encodings.with_suffix(""))
    state = cache_key(
        recipe=recipe.to_argument(),
        encodings=sha256_file(arguments.encodings),
        model=model.digest,
        code=code_hash(arguments.family),
    )
    run_dir = arguments.states / state[:32]
    if is_worker():
        done = train(arguments.family, model.path, encodings, recipe, run_dir, events)
    elif is_node_launcher():
        launch(__file__, sys.argv[1:], recipe.compute, run_dir)
        return
    else:
        run_dir.mkdir(parents=True, exist_ok=True)
        # Open until this process ends: the same training in another project waits, and then finds it finished.
        held = (run_dir / "lock").open("a", encoding="utf-8")
        wait_for_lock(held, "the same training in another project")
        finished = finished_training(run_dir)
        if finished is None:
            print(f"train_lora: {check_training(encodings, recipe.training, recipe.prior)}", flush=True)
        if finished is None and recipe.compute.training_processes > 1:
            launch(__file__, sys.argv[1:], recipe.compute, run_dir)
            return
        if finished is not None:
            draw_again(finished, events)
        done = finished or train(arguments.family, model.path, encodings, recipe, run_dir, events)
    if is_first():
        write_outputs(done, run_dir, arguments.output)
        computed = done.step - done.began_after
        print(f"train_lora: steps {done.step}/{recipe.training.steps}, computed {computed}, {done.seconds:.0f} s")


if __name__ == "__main__":
    run_command(noting_failures(main))
