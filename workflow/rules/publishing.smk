# The publishing room: what people take away, and the runs side by side.


rule publish_lora:
    """Publish the chosen checkpoint: LoRA files for every loader, model card and provenance."""
    input:
        script=script("publish_lora"),
        code=family_code("publish_lora"),
        lock=LOCK_FILE,
        manifest=manifest,
        checkpoints=ancient(behind_manifest(rules.train_lora.output.checkpoints)),
        checkpoint_sums=behind_manifest(rules.train_lora.output.sums),
        choice=behind_manifest(rules.choose_checkpoint.output.choice),
        scores=behind_manifest(rules.score_checkpoints.output.table),
        grid=behind_manifest(rules.draw_grid.output.grid),
        validation=behind_manifest(rules.train_lora.output.losses),
        machine=behind_manifest(rules.train_lora.output.machine),
        photos=behind_manifest(rules.gather_photos.output.table),
        overrides=CONFIG.overrides or [],
        model=behind_manifest(lock_of("{target}")),
        helpers=all_locks,
    output:
        lora=f"{RESULTS}/{{target}}/{{run}}/lora/{CONFIG.project}.safetensors",
        comfyui=f"{RESULTS}/{{target}}/{{run}}/lora/{CONFIG.project}.comfyui.safetensors",
        card=report(
            f"{RESULTS}/{{target}}/{{run}}/lora/README.md",
            caption="../report/model_card.rst",
            category="LoRA",
            labels={"target": "{target}", "run": "{run}", "what": "model card"},
        ),
        provenance=f"{RESULTS}/{{target}}/{{run}}/lora/provenance.json",
    log:
        f"logs/{CONFIG.project}/publish_lora/{{target}}/{{run}}.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        config=verbatim(PROJECT.recorded_config),
        target=of_target(lambda target: target.to_argument()),
        run_folder=f"{RESULTS}/{{target}}/{{run}}",
    shell:
        "python {input.script:q} --target-name {wildcards.target} --run {wildcards.run} "
        "--run-folder {params.run_folder} --manifest {input.manifest} --model {input.model} --helpers {input.helpers} "
        "--photos {input.photos} --overrides {input.overrides:q} --config {params.config:q} "
        "--target {params.target:q} > {log} 2>&1"


rule compare_runs:
    """Put all runs of all targets side by side."""
    input:
        script=script("compare_runs"),
        code=code("compare_runs"),
        runs=of_runs(rules.choose_checkpoint.output.record),
    output:
        table=f"{RESULTS}/comparison.csv",
        text=report(
            f"{RESULTS}/comparison.md",
            caption="../report/comparison.rst",
            category="Runs",
        ),
    log:
        f"logs/{CONFIG.project}/compare_runs.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        project=CONFIG.project,
    shell:
        "python {input.script:q} --project {params.project} --runs {input.runs} --table {output.table} "
        "--text {output.text} > {log} 2>&1"
