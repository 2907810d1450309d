# What rules ask for: their params and input functions, each evaluated for one job.
import shlex

from darkroom.config.project import DECIDE_NOTHING, polisher_label
from darkroom.storage.files import canonical_json, sha256_bytes
from darkroom.photo_folder.index import shard_of
from darkroom.contracts.checkpoint_files import checkpoint_steps, step_name
from darkroom.models.fetch import local_files

FILES_BY_SHARD = {}


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


def masked_class(wildcards):
    """The common word for the subject where a model looks for it by its name; empty for salient-object networks."""
    return CONFIG.subject.subject_class if ON_TORCH else ""


def photos_folder(wildcards):
    """The folder of raw photos, whatever characters its name holds."""
    return CONFIG.photos


def strengths(wildcards):
    """The LoRA strengths that are rendered and scored."""
    return " ".join(map(str, CONFIG.evaluation.strengths))


def training_settings(wildcards):
    """The training settings of a run, as the argument of its script."""
    return RUNS[wildcards.target, wildcards.run].to_argument()


def run_events(wildcards):
    """The folder of a run's curves for TensorBoard."""
    return f"{RESULTS}/{wildcards.target}/{wildcards.run}/training/tensorboard"


def dataset_batch(wildcards):
    """The frames of a batch that a target's dataset is made for: a run of its own batch trains on the same dataset."""
    # Not as a whole training: what suits no run without its own overrides is no mistake.
    return CONFIG.training.get("batch", TARGETS[wildcards.target].training.batch)


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


def samples_of(target, run):
    """Where the pictures of each checkpoint of a run go; the table beside each folder has the same name.

    Which checkpoints there will be is known before anything is trained.
    """
    training = RUNS[target, run]
    return [
        f"{RESULTS}/{target}/{run}/evaluation/shards/{step_name(step)}"
        for step in checkpoint_steps(training.steps, training.checkpoint_every)
    ]


def sample_tables(wildcards):
    """The table of the pictures of each checkpoint of a run, once the manifest is known."""
    manifest(wildcards)
    return [f"{folder}.csv" for folder in samples_of(wildcards.target, wildcards.run)]


def sample_folders(wildcards):
    """The folders of a run's pictures, the base model's first, once the manifest is known."""
    manifest(wildcards)
    base = f"{RESULTS}/{wildcards.target}/base_samples"
    return [base, *samples_of(wildcards.target, wildcards.run)]


def model_source(wildcards):
    """The model behind a lock file: its folder or id, its revision, and whose files it has where not transformers'."""
    if wildcards.model == "segmenter":
        return CONFIG.masks.model, CONFIG.masks.revision, ""
    if wildcards.model == "box_finder":
        return CONFIG.masks.box_model, CONFIG.masks.box_revision, ""
    if wildcards.model == "second_segmenter":
        return CONFIG.masks.second, CONFIG.masks.second_revision, ""
    if wildcards.model == "captioner":
        return CONFIG.captioner.model, CONFIG.captioner.revision, "captioner"
    if wildcards.model == "embedding":
        return (
            CONFIG.duplicates.embedding,
            CONFIG.duplicates.embedding_revision,
            "open_clip",
        )
    if wildcards.model == "clip":
        return CONFIG.evaluation.clip, CONFIG.evaluation.clip_revision, "open_clip"
    for name, target in TARGETS.items():
        if wildcards.model == polisher_label(name):
            return target.captions.polish, target.captions.polish_revision, "polisher"
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


def polisher_lock(target):
    """The lock of the model that polishes a target's captions, where one is asked for."""
    lock = f"{RESULTS}/models/{polisher_label(target)}.json"
    return [lock] if TARGETS[target].captions.polish else []


def where_polished(value, otherwise):
    """An input function, or one of resources: a value for targets whose captions a model polishes, and for others."""
    return lambda wildcards: (
        value if TARGETS[wildcards.target].captions.polish else otherwise
    )


def polisher_compute(wildcards):
    """Where a target's captions are polished, as `compute_settings`; nothing for targets that are not polished."""
    asked = compute_settings("inference_threads")(wildcards)
    return where_polished(asked, "{}")(wildcards)


def helper_locks(wildcards):
    """The locks of all models but the base model, once the manifest is known."""
    return behind_manifest(*HELPER_LOCKS, *polisher_lock(wildcards.target))(wildcards)


def prior_outputs(target):
    """The table and the folder of a target's prior pictures, where its prior is on."""
    folder = f"{RESULTS}/{target}"
    weight = TARGETS[target].prior.weight
    return [f"{folder}/prior.csv", f"{folder}/prior"] if weight > 0 else []


def prior_table(wildcards):
    """The table of a target's prior pictures, where its prior is on."""
    return prior_outputs(wildcards.target)[:1]


def encoding_options(wildcards):
    """What to encode besides frames: mirrored ones, prior pictures, captions' tokens, where any run needs them."""
    runs = [
        settings for (target, _), settings in RUNS.items() if target == wildcards.target
    ]
    flips = any(settings.flip for settings in runs)
    reads = any(settings.text_encoder is not None for settings in runs)
    prior = [f"--prior {table}" for table in prior_table(wildcards)]
    tokens = ["--tokens"] if reads else []
    return " ".join((["--mirror"] if flips else []) + tokens + prior)


def frame_side(wildcards):
    """The side in pixels of the square that a target renders: its largest resolution."""
    return TARGETS[wildcards.target].crop.side
