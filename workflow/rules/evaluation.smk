# The evaluation room: render, score, choose, draw.


rule render_base:
    """Render the prompts: with the base model for all runs of a target, or with a checkpoint of one."""
    input:
        script=script("render_samples"),
        code=family_code("render_samples"),
        lock=LOCK_FILE,
        model=behind_manifest(lock_of("{target}")),
        checkpoints=[],
    output:
        table=f"{RESULTS}/{{target}}/base_samples.csv",
        samples=directory(f"{RESULTS}/{{target}}/base_samples"),
    log:
        f"logs/{CONFIG.project}/render_base/{{target}}.log",
    conda:
        "../../envs/train.yaml"
    threads: CONFIG.compute.training_threads
    resources:
        mem_mb=16000,
        runtime=240,
        gpu=PROJECT.gpus,
    params:
        step="",
        family=target_family,
        subject=project_settings("subject"),
        settings=project_settings("evaluation"),
        render=target_settings("render"),
        image_size=image_size,
        compute=verbatim(PROJECT.compute("training_threads")),
        cache=CACHE,
    shell:
        "python {input.script:q} --checkpoints {input.checkpoints} --step {params.step} --model {input.model} "
        "--family {params.family} --subject {params.subject:q} --settings {params.settings:q} "
        "--render {params.render:q} --image-size {params.image_size} --compute {params.compute:q} --cache {params.cache} "
        "--samples {output.samples} --table {output.table} > {log} 2>&1"


# A job per checkpoint: they use all cores or GPUs, and each loads the model once.
use rule render_base as render_samples with:
    input:
        script=script("render_samples"),
        code=family_code("render_samples"),
        lock=LOCK_FILE,
        checkpoints=ancient(behind_manifest(rules.train_lora.output.checkpoints)),
        checkpoint_sums=behind_manifest(rules.train_lora.output.sums),
        model=behind_manifest(lock_of("{target}")),
    output:
        table=f"{RESULTS}/{{target}}/{{run}}/evaluation/shards/{{step}}.csv",
        samples=directory(f"{RESULTS}/{{target}}/{{run}}/evaluation/shards/{{step}}"),
    log:
        f"logs/{CONFIG.project}/render_samples/{{target}}/{{run}}/{{step}}.log",
    params:
        step=lambda wildcards: wildcards.step,


rule gather_samples:
    """Merge the pictures of the base model and of a run's checkpoints into one table and one folder."""
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        base=behind_manifest(rules.render_base.output.table),
        tables=of_checkpoints(rules.render_samples.output.table),
        base_folder=ancient(behind_manifest(rules.render_base.output.samples)),
        folders=ancient(of_checkpoints(rules.render_samples.output.samples)),
    output:
        table=f"{RESULTS}/{{target}}/{{run}}/evaluation/samples.csv",
        samples=directory(f"{RESULTS}/{{target}}/{{run}}/evaluation/samples"),
    log:
        f"logs/{CONFIG.project}/gather_samples/{{target}}/{{run}}.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "python {input.script:q} --tables {input.base} {input.tables} --keep-order --table {output.table} "
        "--folders {input.base_folder} {input.folders} --folder {output.samples} > {log} 2>&1"


rule score_checkpoints:
    """Score every checkpoint: likeness, prompt following, harm to other things."""
    input:
        script=script("score_checkpoints"),
        code=family_code("score_checkpoints"),
        lock=LOCK_FILE,
        checkpoints=ancient(behind_manifest(rules.train_lora.output.checkpoints)),
        checkpoint_sums=behind_manifest(rules.train_lora.output.sums),
        samples=behind_manifest(rules.gather_samples.output.table),
        pictures=ancient(behind_manifest(rules.gather_samples.output.samples)),
        encodings=behind_manifest(rules.encode_dataset.output.table),
        folder=ancient(behind_manifest(rules.encode_dataset.output.encodings)),
        model=behind_manifest(lock_of("{target}")),
        clip=behind_manifest(lock_of("clip")),
        images=ancient(behind_manifest(rules.export_dataset.output.images)),
        sums=behind_manifest(rules.export_dataset.output.sums),
    output:
        table=f"{RESULTS}/{{target}}/{{run}}/evaluation/scores.csv",
        pictures=f"{RESULTS}/{{target}}/{{run}}/evaluation/sample_scores.csv",
    log:
        f"logs/{CONFIG.project}/score_checkpoints/{{target}}/{{run}}.log",
    conda:
        "../../envs/train.yaml"
    threads: CONFIG.compute.training_threads
    resources:
        mem_mb=16000,
        runtime=240,
        gpu=PROJECT.gpus,
    params:
        family=target_family,
        strengths=" ".join(map(str, CONFIG.evaluation.strengths)),
        training=training_settings,
        validation=project_settings("validation"),
        compute=verbatim(PROJECT.compute("training_threads")),
        cache=CACHE,
    shell:
        "python {input.script:q} --checkpoints {input.checkpoints} --samples {input.samples} "
        "--encodings {input.encodings} --model {input.model} --family {params.family} "
        "--clip {input.clip} --images {input.images} --strengths {params.strengths} "
        "--training {params.training:q} --validation {params.validation:q} --compute {params.compute:q} "
        "--cache {params.cache} --pictures {output.pictures} --table {output.table} > {log} 2>&1"


rule choose_checkpoint:
    """Choose the checkpoint to take, with the reason in words, and record what came of the run."""
    input:
        script=script("choose_checkpoint"),
        code=code("choose_checkpoint"),
        scores=behind_manifest(rules.score_checkpoints.output.table),
        pictures=behind_manifest(rules.score_checkpoints.output.pictures),
        validation=behind_manifest(rules.train_lora.output.losses),
        log=behind_manifest(rules.train_lora.output.log),
    output:
        choice=f"{RESULTS}/{{target}}/{{run}}/evaluation/choice.json",
        record=f"{RESULTS}/{{target}}/{{run}}/run.json",
    log:
        f"logs/{CONFIG.project}/choose_checkpoint/{{target}}/{{run}}.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=lambda wildcards: PROJECT.compared_settings(
            wildcards.target, wildcards.run
        ),
    shell:
        "python {input.script:q} --scores {input.scores} --pictures {input.pictures} --validation {input.validation} "
        "--log {input.log} --target-name {wildcards.target} --run {wildcards.run} --settings {params.settings:q} "
        "--choice {output.choice} --record {output.record} > {log} 2>&1"


rule draw_grid:
    """Draw the grid that people look at: prompts by checkpoints."""
    input:
        script=script("draw_grid"),
        code=code("draw_grid"),
        manifest=manifest,
        images=ancient(behind_manifest(rules.export_dataset.output.images)),
        sums=behind_manifest(rules.export_dataset.output.sums),
        samples=behind_manifest(rules.gather_samples.output.table),
        pictures=ancient(behind_manifest(rules.gather_samples.output.samples)),
        scores=behind_manifest(rules.score_checkpoints.output.table),
        choice=behind_manifest(rules.choose_checkpoint.output.choice),
    output:
        grid=report(
            f"{RESULTS}/{{target}}/{{run}}/evaluation/grid.png",
            caption="../report/grid.rst",
            category="Evaluation",
            labels={"target": "{target}", "run": "{run}", "what": "grid"},
        ),
    log:
        f"logs/{CONFIG.project}/draw_grid/{{target}}/{{run}}.log",
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python {input.script:q} --samples {input.samples} --scores {input.scores} --choice {input.choice} "
        "--manifest {input.manifest} --images {input.images} --grid {output.grid} > {log} 2>&1"
