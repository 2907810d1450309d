# Models: each fetched once and locked. Every other rule that runs one takes its lock as input.


# The one rule that uses the network, on the node where snakemake runs.
rule fetch_model:
    """Fetch a model once and lock it by commit and sha256."""
    input:
        script=script("fetch_model"),
        code=fetching_code,
        files=model_inputs,
    output:
        lock=f"{RESULTS}/models/{{model}}.json",
    log:
        f"logs/{CONFIG.project}/fetch_model/{{model}}.log",
    wildcard_constraints:
        model=one_of(model for model in PROJECT.models if model not in TARGETS),
    # First of all, so that a wrong model is known before photos are worked on: of a base model its tokenizers.
    priority: 1
    localrule: True
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        model=lambda wildcards: PROJECT.model_source(wildcards.model).to_arguments(),
        store=".darkroom/models",
        pins=CHECKOUT.relative("resources/pins"),
    shell:
        "python {input.script:q} {params.model} --store {params.store} --pins {params.pins:q} --lock {output.lock} "
        "> {log} 2>&1"


# Gigabytes that nothing needs before the dataset is encoded: photos are worked on meanwhile.
use rule fetch_model as fetch_base_model with:
    input:
        script=script("fetch_model"),
        code=fetching_code,
        files=model_inputs,
        tokenizers=lock_of("{model}.tokenizers"),
    output:
        lock=f"{RESULTS}/models/{{model}}.json",
    wildcard_constraints:
        model=one_of(TARGETS),
    priority: 0
    localrule: True
    params:
        model=lambda wildcards, input: PROJECT.model_source(
            wildcards.model
        ).to_arguments()
        + f" --tokenizers-lock {input.tokenizers}",
