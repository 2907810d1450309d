# The evaluation room: render, score, choose, draw.


rule render_base:
    """Render the prompts with the base model, for all runs of a target."""
    input:
        script=script("render_samples"),
        code=family_code("render_samples"),
        lock=LOCK_FILE,
        model=behind_manifest("{results}/models/{target}.json"),
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
        gpu=GPUS,
    params:
        family=target_family,
        subject=project_settings("subject"),
        settings=project_settings("evaluation"),
        render=target_settings("render"),
        side=frame_side,
        compute=compute_settings("training_threads"),
        cache=CACHE,
    shell:
        "python {input.script:q} --model {input.model} --family {params.family} --subject {params.subject:q} "
        "--settings {params.settings:q} --render {params.render:q} --side {params.side} --compute {params.compute:q} "
        "--cache {params.cache} --samples {output.samples} --table {output.table} > {log} 2>&1"


# A job per checkpoint: they use all cores or GPUs, and each loads the model once.
rule render_samples:
    """Render the prompts with a checkpoint."""
    input:
        script=script("render_samples"),
        code=family_code("render_samples"),
        lock=LOCK_FILE,
        checkpoints=ancient(checkpoint_files),
        checkpoint_sums=behind_manifest("{results}/{target}/{run}/training/SHA256SUMS"),
        model=behind_manifest("{results}/models/{target}.json"),
    output:
        table=f"{RESULTS}/{{target}}/{{run}}/evaluation/shards/{{step}}.csv",
        samples=directory(f"{RESULTS}/{{target}}/{{run}}/evaluation/shards/{{step}}"),
    log:
        f"logs/{CONFIG.project}/render_samples/{{target}}/{{run}}/{{step}}.log",
    conda:
        "../../envs/train.yaml"
    threads: CONFIG.compute.training_threads
    resources:
        mem_mb=16000,
        runtime=240,
        gpu=GPUS,
    params:
        family=target_family,
        subject=project_settings("subject"),
        settings=project_settings("evaluation"),
        render=target_settings("render"),
        side=frame_side,
        compute=compute_settings("training_threads"),
        cache=CACHE,
    shell:
        "python {input.script:q} --checkpoint {input.checkpoints}/step-{wildcards.step}.safetensors --model {input.model} "
        "--family {params.family} --subject {params.subject:q} --settings {params.settings:q} "
        "--render {params.render:q} --side {params.side} --compute {params.compute:q} --cache {params.cache} "
        "--samples {output.samples} --table {output.table} > {log} 2>&1"


rule gather_samples:
    """Merge the pictures of the base model and of a run's checkpoints into one table and one folder."""
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        base=behind_manifest("{results}/{target}/base_samples.csv"),
        tables=sample_tables,
        folders=ancient(sample_folders),
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
        "--folders {input.folders} --folder {output.samples} > {log} 2>&1"


rule score_checkpoints:
    """Score every checkpoint: likeness, prompt following, harm to other things."""
    input:
        script=script("score_checkpoints"),
        code=family_code("score_checkpoints"),
        lock=LOCK_FILE,
        checkpoints=ancient(checkpoint_files),
        checkpoint_sums=behind_manifest("{results}/{target}/{run}/training/SHA256SUMS"),
        samples=behind_manifest("{results}/{target}/{run}/evaluation/samples.csv"),
        pictures=ancient(behind_manifest("{results}/{target}/{run}/evaluation/samples")),
        encodings=behind_manifest("{results}/{target}/encodings.csv"),
        folder=ancient(behind_manifest("{results}/{target}/encodings")),
        model=behind_manifest("{results}/models/{target}.json"),
        clip=behind_manifest("{results}/models/clip.json"),
        images=ancient(behind_manifest("{results}/{target}/dataset/images")),
        sums=behind_manifest("{results}/{target}/dataset/SHA256SUMS"),
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
        gpu=GPUS,
    params:
        family=target_family,
        subject=project_settings("subject"),
        strengths=strengths,
        training=training_settings,
        validation=project_settings("validation"),
        compute=compute_settings("training_threads"),
        cache=CACHE,
    shell:
        "python {input.script:q} --checkpoints {input.checkpoints} --samples {input.samples} "
        "--encodings {input.encodings} --model {input.model} --family {params.family} "
        "--clip {input.clip} --images {input.images} --subject {params.subject:q} --strengths {params.strengths} "
        "--training {params.training:q} --validation {params.validation:q} --compute {params.compute:q} "
        "--cache {params.cache} --pictures {output.pictures} --table {output.table} > {log} 2>&1"


rule choose_checkpoint:
    """Choose the checkpoint to take, with the reason in words."""
    input:
        script=script("choose_checkpoint"),
        code=code("choose_checkpoint"),
        scores=behind_manifest("{results}/{target}/{run}/evaluation/scores.csv"),
        pictures=behind_manifest(
            "{results}/{target}/{run}/evaluation/sample_scores.csv"
        ),
    output:
        choice=f"{RESULTS}/{{target}}/{{run}}/evaluation/choice.json",
    log:
        f"logs/{CONFIG.project}/choose_checkpoint/{{target}}/{{run}}.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    shell:
        "python {input.script:q} --scores {input.scores} --pictures {input.pictures} --choice {output.choice} > {log} 2>&1"


rule draw_grid:
    """Draw the grid that people look at: prompts by checkpoints."""
    input:
        script=script("draw_grid"),
        code=code("draw_grid"),
        manifest=manifest,
        images=ancient(behind_manifest("{results}/{target}/dataset/images")),
        sums=behind_manifest("{results}/{target}/dataset/SHA256SUMS"),
        samples=behind_manifest("{results}/{target}/{run}/evaluation/samples.csv"),
        pictures=ancient(behind_manifest("{results}/{target}/{run}/evaluation/samples")),
        scores=behind_manifest("{results}/{target}/{run}/evaluation/scores.csv"),
        choice=behind_manifest("{results}/{target}/{run}/evaluation/choice.json"),
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
