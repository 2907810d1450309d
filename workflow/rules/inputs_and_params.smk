# What rules ask for: input functions and functions of params, each evaluated for one job.
from darkroom.storage.files import canonical_json


def verbatim(text):
    """A params function of one text: Snakemake would take braces in it, as of a prompt's {subject}, for a wildcard."""
    return lambda wildcards: text


def project_settings(part):
    """A params function: one part of the project's settings, as the argument of a script."""
    return verbatim(getattr(CONFIG, part).to_argument())


def of_target(value):
    """A function of params, input or resources: `value` of the settings of a job's target."""
    return lambda wildcards: value(TARGETS[wildcards.target])


def target_settings(part):
    """A params function: one part of a target's settings, as the argument of a script."""
    return of_target(lambda target: getattr(target, part).to_argument())


target_family = of_target(lambda target: target.family)


def training_settings(wildcards):
    """A params function: the training settings of a run, as the argument of its script."""
    return RUNS[wildcards.target, wildcards.run].to_argument()


def where_polished(value, otherwise):
    """As `of_target`: a value for targets whose captions a model polishes, and for others."""
    return of_target(lambda target: value if target.captions.polish else otherwise)


def image_size(wildcards):
    """A params function: the side in pixels of the square that a target renders, its largest resolution."""
    return TARGETS[wildcards.target].crop.image_size


def family_code(name):
    """An input function: the code of a rule's script and of the family of its target."""
    return of_target(lambda target: code(name, target.family))


def fetching_code(wildcards):
    """An input function: the code of fetch_model, with the family's where the model is a base model."""
    return code("fetch_model", PROJECT.model_source(wildcards.model).model_family)


def model_inputs(wildcards):
    """An input function: the files of a model that lies here, so that an exchanged one is seen; none for one of the Hub."""
    return PROJECT.model_source(wildcards.model).local_files()


def lock_of(model):
    """The lock of a model by its name; `{target}` is the base model of a target."""
    return rules.fetch_model.output.lock.replace("{model}", model)


def optional_locks(*models):
    """The locks of those of these models that the project uses."""
    return [lock_of(model) for model in models if model in PROJECT.helpers]


def polisher_lock(wildcards):
    """An input function: the lock of the model that polishes a target's captions, where one is asked for."""
    return [lock_of(model) for model in PROJECT.polishers(wildcards.target)]


# Snakemake compares folders by their time alone. So an earlier stage's folder is an `ancient` input, and the file of the
# same stage that lists its sha256s is input, too. Without such a file Snakemake would not see that the stage ran.
def manifest(wildcards):
    """The manifest of a target's dataset, through the checkpoint: an identical dataset reruns nothing behind it."""
    return checkpoints.assemble_dataset.get(target=wildcards.target).output.manifest


def behind_manifest(*files):
    """An input function for rules behind the checkpoint: these files, once the manifest is known."""

    def inputs(wildcards):
        manifest(wildcards)
        return [str(file).format(**wildcards) for file in files]

    return inputs


def of_checkpoints(file):
    """An input function: a file of every checkpoint of a run, once the manifest is known."""

    def inputs(wildcards):
        manifest(wildcards)
        steps = PROJECT.steps(wildcards.target, wildcards.run)
        return expand(str(file), step=steps, **wildcards)

    return inputs


def of_runs(file):
    """An input function: a file of every run of every target, once all manifests are known."""

    def inputs(wildcards):
        for target in TARGETS:
            checkpoints.assemble_dataset.get(target=target)
        return [str(file).format(target=target, run=run) for target, run in RUNS]

    return inputs


def all_locks(wildcards):
    """An input function: the locks of all models but the base model and its tokenizers, which are files of it."""
    models = [*PROJECT.helpers, *PROJECT.polishers(wildcards.target)]
    return behind_manifest(*map(lock_of, models))(wildcards)


def prior_table(wildcards):
    """An input function: the table of a target's prior pictures, where its prior is on."""
    on = TARGETS[wildcards.target].prior.weight > 0
    return [str(rules.render_prior.output.table).format(**wildcards)] if on else []
