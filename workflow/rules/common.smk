# What all rooms share: the validated config, where things lie, which code a stage is made of, and what is wanted.
import re
import shlex
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

from darkroom.config import (
    DECIDE_NOTHING,
    Config,
    check,
    check_models,
    load_target,
    run_training,
    with_found_paths,
    target_label,
)
from darkroom.errors import MEMORY, user_error
from darkroom.files import canonical_json, sha256_bytes
from darkroom.leftovers import clear_temporary_files
from darkroom.photo_index import refresh_index, shard_of
from darkroom.run_lock import check_writable, hold_run_lock, job_environment
from darkroom.slurm_queue import record_run, refuse_beside_queued_jobs
from darkroom.stage_code import stage_code
from darkroom.training.model_files import local_files

# Jobs run with the Python that runs Snakemake, whether or not its environment is activated; --sdm conda goes before it.
# A job that ends by SIGKILL leaves no word in its log, and Snakemake shows no exit codes: hence a trap that tells.
# Threads that wait must soon sleep, not spin, or two trainings on two cores run far slower than one after the other.
os.environ.update(
    PATH=os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    ),
    GOMP_SPINCOUNT="10000",
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
        (name, run): run_training(target, project.training, overrides, f"runs.{run}")
        for name, target in targets.items()
        for run, overrides in project.runs.items()
    }
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
FILES_BY_SHARD = {}
SHARDS = [str(shard) for shard in range(CONFIG.shards)]
LOCK_FILE = relative(CHECKOUT / "requirements.lock")
GPUS = 0 if CONFIG.compute.device == "cpu" else 1


wildcard_constraints:
    shard=r"\d+",
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


def files_of(shard):
    """The files of a shard, found once: Snakemake asks for the params of each job many times."""
    if not FILES_BY_SHARD:
        for file in FILES:
            FILES_BY_SHARD.setdefault(shard_of(file, CONFIG.shards), []).append(file)
    return FILES_BY_SHARD.get(int(shard), [])


def fingerprint(lines):
    """A param that stands for many lines: how many there are and the sha256 of all."""
    return f"{len(lines)}, sha256 {sha256_bytes(chr(10).join(sorted(lines)).encode())}"


def shard_files(wildcards):
    """The files of a shard by sha256 (or why they have none) and path: a changed photo reruns its shard only."""
    return fingerprint(
        [
            f"{file.sha256 or file.reason}  {file.path}"
            for file in files_of(wildcards.shard)
        ]
    )


def shard_masks(wildcards):
    """The supplied masks of a shard by sha256, each with its photo's: a param, as in `shard_files`."""
    photos = {file.sha256 for file in files_of(wildcards.shard)}
    return fingerprint(
        [f"{MASKS[photo].sha256}  {photo}" for photo in photos if photo in MASKS]
    )


def project_settings(part):
    """A params function: one part of the project's settings, as the argument of a script.

    A function, because Snakemake would take braces in a text, such as the {subject} of a prompt, for a wildcard.
    """
    return lambda wildcards: getattr(CONFIG, part).to_argument()


def compute_settings(threads):
    """A params function: where a model runs and on how many threads; a knob of the training reruns no captioner."""
    return lambda wildcards: canonical_json(
        CONFIG.compute.model_dump(mode="json", include={"device", threads})
    )


def subject_class(wildcards):
    """The common word for the subject."""
    return CONFIG.subject.subject_class


def recorded_config(wildcards):
    """The config as the provenance holds it: without the number of shards, which decides nothing."""
    return canonical_json(
        CONFIG.model_dump(mode="json", by_alias=True, exclude=DECIDE_NOTHING)
    )


def photos_folder(wildcards):
    """The folder of raw photos, whatever characters its name holds."""
    return CONFIG.photos


def strengths(wildcards):
    """The LoRA strengths that are rendered and scored."""
    return " ".join(map(str, CONFIG.evaluation.strengths))


def training_settings(wildcards):
    """The training settings of a run, as the argument of its script."""
    return RUNS[wildcards.target, wildcards.run].to_argument()


def target_settings(part):
    """A params function: one part of a target's settings, as the argument of a script."""
    return lambda wildcards: getattr(TARGETS[wildcards.target], part).to_argument()


def target_family(wildcards):
    """The name of a target's model family."""
    return TARGETS[wildcards.target].family


# Snakemake compares folders by their time alone. So an earlier stage's folder is an `ancient` input, and the file of the
# same stage that lists its sha256s is input, too. Without such a file Snakemake would not see that the stage ran.
def manifest(wildcards):
    """The manifest of a target's dataset, through the checkpoint: an identical dataset reruns nothing behind it."""
    return checkpoints.assemble_dataset.get(target=wildcards.target).output.manifest


def behind_manifest(*patterns):
    """An input function for rules behind the checkpoint: these files, once the manifest is known."""

    def inputs(wildcards):
        manifest(wildcards)
        return [pattern.format(results=RESULTS, **wildcards) for pattern in patterns]

    return inputs


def checkpoint_files(wildcards):
    """The folder of a run's checkpoints, once the manifest is known. Snakemake knows no files inside a folder."""
    manifest(wildcards)
    return f"{RESULTS}/{wildcards.target}/{wildcards.run}/training/checkpoints"


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


def model_source(wildcards):
    """The model behind a lock file: its folder or id, its revision, and whose files it has where not transformers'."""
    if wildcards.model == "segmenter":
        return CONFIG.masks.model, "local", ""
    if wildcards.model == "captioner":
        return CONFIG.captioner.model, CONFIG.captioner.revision, ""
    if wildcards.model == "clip":
        return CONFIG.evaluation.clip, CONFIG.evaluation.clip_revision, "open_clip"
    target = TARGETS[wildcards.model]
    return target.model, target.revision, target.family


def model_arguments(wildcards):
    """The model behind a lock file, as arguments of fetch_model."""
    model, revision, family = model_source(wildcards)
    words = ["--model", model, "--revision", revision]
    return shlex.join([*words, "--family", family] if family else words)


def fetching_code(wildcards):
    """The code of fetch_model, with the family's where the model is a base model."""
    target = TARGETS.get(wildcards.model)
    return code("fetch_model", target.family if target else None)


def model_inputs(wildcards):
    """The files of a model that lies here, so that an exchanged model is seen; none for an id of the Hub."""
    return local_files(model_source(wildcards)[0])


def prior_table(wildcards):
    """The table of a target's prior pictures, where its prior is on."""
    weight = TARGETS[wildcards.target].prior.weight
    return f"{RESULTS}/{wildcards.target}/prior.csv" if weight > 0 else []


def encoding_options(wildcards):
    """What to encode besides frames: mirrored ones where any run flips, prior pictures where the prior is on."""
    flips = any(
        settings.flip
        for (target, _), settings in RUNS.items()
        if target == wildcards.target
    )
    prior = prior_table(wildcards)
    return " ".join(
        (["--mirror"] if flips else []) + ([f"--prior {prior}"] if prior else [])
    )


def frame_side(wildcards):
    """The side in pixels of the square that a target renders."""
    return TARGETS[wildcards.target].crop.resolution
