# The training room: prior pictures, encodings, the LoRA.


rule render_prior:
    """Render what the base model shows of other things, so that training leaves it alone."""
    input:
        script=script("render_prior"),
        code=family_code("render_prior"),
        lock=LOCK_FILE,
        model=lock_of("{target}"),
    output:
        table=f"{RESULTS}/{{target}}/prior.csv",
        pictures=directory(f"{RESULTS}/{{target}}/prior"),
    log:
        f"logs/{CONFIG.project}/render_prior/{{target}}.log",
    conda:
        "../../envs/train.yaml"
    threads: CONFIG.compute.training_threads
    resources:
        mem_mb=16000,
        runtime=240,
        gpu=PROJECT.gpus,
    params:
        family=target_family,
        subject_class=verbatim(CONFIG.subject.subject_class),
        settings=target_settings("prior"),
        render=target_settings("render"),
        image_size=image_size,
        compute=verbatim(PROJECT.compute("training_threads")),
        cache=CACHE,
    shell:
        "python {input.script:q} --model {input.model} --family {params.family} --subject-class {params.subject_class:q} "
        "--settings {params.settings:q} --render {params.render:q} --image-size {params.image_size} "
        "--compute {params.compute:q} --cache {params.cache} --pictures {output.pictures} --table {output.table} "
        "> {log} 2>&1"


rule encode_dataset:
    """Encode pictures, masks and captions once, so that training holds the denoiser only."""
    input:
        script=script("encode_dataset"),
        code=family_code("encode_dataset"),
        lock=LOCK_FILE,
        manifest=manifest,
        images=ancient(behind_manifest(rules.export_dataset.output.images)),
        masks=ancient(behind_manifest(rules.export_dataset.output.masks)),
        sums=behind_manifest(rules.export_dataset.output.sums),
        prior=prior_table,
        model=behind_manifest(lock_of("{target}")),
    output:
        table=f"{RESULTS}/{{target}}/encodings.csv",
        encodings=directory(f"{RESULTS}/{{target}}/encodings"),
    log:
        f"logs/{CONFIG.project}/encode_dataset/{{target}}.log",
    conda:
        "../../envs/train.yaml"
    threads: CONFIG.compute.training_threads
    resources:
        mem_mb=16000,
        runtime=240,
        gpu=PROJECT.gpus,
    params:
        family=target_family,
        options=lambda wildcards: PROJECT.encoding_options(wildcards.target),
        compute=verbatim(PROJECT.compute("training_threads")),
        cache=CACHE,
    shell:
        "python {input.script:q} --manifest {input.manifest} --images {input.images} --masks {input.masks} "
        "{params.options} --prior {input.prior} --model {input.model} "
        "--family {params.family} --compute {params.compute:q} --cache {params.cache} --encodings {output.encodings} "
        "--table {output.table} > {log} 2>&1"


# Killed, it goes on where it was: its state lies in .darkroom/training, under the hash of all that decides the LoRA.
# The curves for TensorBoard are no output: Snakemake would delete them where a job fails or starts again.
rule train_lora:
    """Train the LoRA of a run."""
    input:
        script=script("train_lora"),
        code=family_code("train_lora"),
        lock=LOCK_FILE,
        manifest=manifest,
        encodings=behind_manifest(rules.encode_dataset.output.table),
        folder=ancient(behind_manifest(rules.encode_dataset.output.encodings)),
        model=behind_manifest(lock_of("{target}")),
    output:
        log=f"{RESULTS}/{{target}}/{{run}}/training/log.csv",
        losses=f"{RESULTS}/{{target}}/{{run}}/training/validation.csv",
        machine=f"{RESULTS}/{{target}}/{{run}}/training/machine.json",
        sums=f"{RESULTS}/{{target}}/{{run}}/training/SHA256SUMS",
        checkpoints=directory(f"{RESULTS}/{{target}}/{{run}}/training/checkpoints"),
    log:
        f"logs/{CONFIG.project}/train_lora/{{target}}/{{run}}.log",
    conda:
        "../../envs/train.yaml"
    threads: CONFIG.compute.training_threads * CONFIG.compute.training_processes
    resources:
        mem_mb=16000,
        runtime=1440,
        gpu=PROJECT.gpus * CONFIG.compute.training_processes,
    params:
        family=target_family,
        recipe=lambda wildcards: PROJECT.recipe(
            wildcards.target, wildcards.run
        ).to_argument(),
        states=STATES,
        output=f"{RESULTS}/{{target}}/{{run}}/training",
    shell:
        "python {input.script:q} --encodings {input.encodings} --model {input.model} --family {params.family} "
        "--recipe {params.recipe:q} --states {params.states} --output {params.output} > {log} 2>&1"


rule draw_training:
    """Draw the curves of a training."""
    input:
        script=script("draw_training"),
        code=code("draw_training"),
        manifest=manifest,
        log=behind_manifest(rules.train_lora.output.log),
        losses=behind_manifest(rules.train_lora.output.losses),
    output:
        picture=report(
            f"{RESULTS}/{{target}}/{{run}}/training/training.png",
            caption="../report/training.rst",
            category="Training",
            labels={"target": "{target}", "run": "{run}"},
        ),
    log:
        f"logs/{CONFIG.project}/draw_training/{{target}}/{{run}}.log",
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python {input.script:q} --log {input.log} --losses {input.losses} --picture {output.picture} > {log} 2>&1"
