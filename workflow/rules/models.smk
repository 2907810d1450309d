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
    # First of all, so that a wrong model is known before photos are worked on.
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
