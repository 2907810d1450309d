# What all rooms share: the validated config, where things lie, which code a stage is made of, and the lock of a run.
import re
import sys
from pathlib import Path

CHECKOUT = Path(str(workflow.current_basedir)).parents[1]
if not (CHECKOUT / "scripts" / "darkroom").is_dir():
    print(
        f"darkroom: error: {CHECKOUT}: Darkroom's scripts are not there; clone the repository and name the clone's "
        "workflow/Snakefile",
        file=sys.stderr,
    )
    sys.exit(1)
sys.path.insert(0, str(CHECKOUT / "scripts"))

from darkroom.config.loading import (
    check,
    check_models,
    load_target,
    run_training,
    with_found_paths,
)
from darkroom.config.project import Config, target_label
from darkroom.config.training import check_compute
from darkroom.errors import MEMORY, user_error
from darkroom.photo_folder.index import refresh_index
from darkroom.runs.leftovers import clear_temporary_files
from darkroom.runs.run_lock import check_writable, hold_run_lock, job_environment
from darkroom.runs.slurm_queue import record_run, refuse_beside_queued_jobs
from darkroom.storage.code_version import installed_version, stage_code

# Jobs run with the Python that runs Snakemake, whether or not its environment is activated; --sdm conda goes before it.
# A job that ends by SIGKILL leaves no word in its log, and Snakemake shows no exit codes: hence a trap that tells.
os.environ.update(
    PATH=os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    ),
    DARKROOM_KILLED=f"darkroom: error: a job was killed (SIGKILL), mostly because {MEMORY}",
)
shell.prefix(
    "set -euo pipefail; trap '[ $? != 137 ] || echo \"$DARKROOM_KILLED\" >&2' EXIT; "
)


def stop(error):
    """End with one line and no traceback where a user can mend the error: nothing has run yet."""
    known = user_error(error)
    if known is None:
        raise error
    print(f"darkroom: error: {known}", file=sys.stderr)
    sys.exit(1)


def relative(path):
    """A path as rules write it: relative where the checkout is the working directory, else absolute."""
    return (
        str(path.relative_to(CHECKOUT))
        if CHECKOUT.resolve() == Path.cwd().resolve()
        else str(path)
    )


def load_project():
    """The validated config, its targets by name, and the training settings of every run of every target.

    Their paths are as the working directory sees them: what is not there is the checkout's.
    """
    project = with_found_paths(check(Config, config, "config"), CHECKOUT)
    targets = {
        target_label(name): load_target(name, CHECKOUT) for name in project.targets
    }
    runs = {
        (name, run): run_training(target, project.training, overrides, run)
        for name, target in targets.items()
        for run, overrides in project.runs.items()
    }
    for (name, _), training in runs.items():
        check_compute(training, targets[name].prior, project.compute)
    check_models(project, targets)
    return project, targets, runs


def supplied_masks():
    """The user's own mask of each photo that has one. Masks of no photo are told."""
    if CONFIG.masks.supplied is None:
        return {}
    # Loads Pillow, which others need not wait for.
    from darkroom.framing.supplied_masks import match_masks, unused_masks

    masks = refresh_index(
        Path(CONFIG.masks.supplied), Path(MASK_INDEX), "masks.supplied"
    )
    found = match_masks(FILES, masks)
    unused = unused_masks(masks, found)
    if unused:
        print(
            f"darkroom: masks.supplied: {len(unused)} of {len(masks)} files belong to no photo and are not used, "
            f"such as {unused[0]}",
            file=sys.stderr,
        )
    return found


try:
    CONFIG, TARGETS, RUNS = load_project()
    RESULTS = f"results/{CONFIG.project}"
    INDEX_FOLDER = ".darkroom/index"
    INDEX = f"{INDEX_FOLDER}/{CONFIG.project}.json"
    FILES = refresh_index(Path(CONFIG.photos), Path(INDEX))
    MASK_INDEX = f"{INDEX_FOLDER}/masks/{CONFIG.project}.json"
    MASKS = supplied_masks()
except Exception as error:
    stop(error)

CACHE = ".darkroom/cache"
STATES = ".darkroom/training"
RUN_LOCK = Path(f".darkroom/locks/{CONFIG.project}")
os.environ.update(job_environment(RUN_LOCK))
SHARDS = [str(shard) for shard in range(CONFIG.shards)]
LOCK_FILE = relative(CHECKOUT / "requirements.lock")
GPUS = 0 if CONFIG.compute.device == "cpu" else 1
# All models but the base models; the embedding its table of neighbours and its vectors where the config names one.
EMBEDDING = ["embedding"] if CONFIG.duplicates.embedding else []
# What finds subjects beside the segmenter: the second one, and what gives a SAM model its boxes.
BOX_FINDER = ["box_finder"] if CONFIG.masks.box_model else []
SECOND_SEGMENTER = ["second_segmenter"] if CONFIG.masks.second else []
# ONNX networks need a GPU only where the installed onnxruntime can use one.
ON_TORCH = [
    model
    for model in (CONFIG.masks.model, CONFIG.masks.box_model, CONFIG.masks.second)
    if model and not model.endswith(".onnx")
]
MASK_GPUS = GPUS if ON_TORCH or installed_version("onnxruntime-gpu") else 0
HELPER_LOCKS = [
    f"{RESULTS}/models/{model}.json"
    for model in [
        *("captioner", "segmenter", "clip"),
        *(*EMBEDDING, *BOX_FINDER, *SECOND_SEGMENTER),
    ]
]
NEIGHBOURS = [f"{RESULTS}/neighbours.csv" for _ in EMBEDDING]
EMBEDDINGS = [f"{RESULTS}/embeddings.npy" for _ in EMBEDDING]
AESTHETIC = [f"{RESULTS}/aesthetic.csv"] if CONFIG.aesthetic.head else []


wildcard_constraints:
    shard=r"\d+",
    step=r"\d+",
    target="|".join(map(re.escape, TARGETS)),
    run="|".join(map(re.escape, CONFIG.runs)),
    model=r"[A-Za-z0-9_.-]+",


def script(name):
    """The script of a rule."""
    return relative(CHECKOUT / "scripts" / f"{name}.py")


def code(name, family=None):
    """The library files that a rule's script is made of, its model family included where it has one."""
    scripts = CHECKOUT / "scripts"
    files = set(stage_code(scripts / f"{name}.py", scripts))
    if family is not None:
        source = scripts / "darkroom" / "families" / f"{family}.py"
        files |= {source, *stage_code(source, scripts)}
    return [relative(path) for path in sorted(files)]


def family_code(name):
    """An input function: the code of a rule's script and of the family of its target."""
    return lambda wildcards: code(name, TARGETS[wildcards.target].family)


def lock_results(logs=()):
    """Keep other runs away from these results while this process lives, and clear away what killed ones left."""
    try:
        globals()["HELD_LOCK"] = hold_run_lock(RUN_LOCK)
        queue = RUN_LOCK.with_name(f"{RUN_LOCK.name}.slurm")
        refuse_beside_queued_jobs(queue)
        record_run(queue, logs)
        for folder in (RESULTS, ".darkroom", "logs"):
            check_writable(Path(folder))
        clear_temporary_files(Path(RESULTS), alone=True)
        for folder in (CACHE, STATES, INDEX_FOLDER):
            clear_temporary_files(Path(folder), alone=False)
    except Exception as error:
        stop(error)
