# The publishing room: what people take away, and the runs side by side.


rule publish_lora:
    """Publish the chosen checkpoint: LoRA files for every loader, model card and provenance."""
    input:
        script=script("publish_lora"),
        code=family_code("publish_lora"),
        lock=LOCK_FILE,
        manifest=manifest,
        checkpoints=ancient(checkpoint_files),
        checkpoint_sums=behind_manifest("{results}/{target}/{run}/training/SHA256SUMS"),
        choice=behind_manifest("{results}/{target}/{run}/evaluation/choice.json"),
        scores=behind_manifest("{results}/{target}/{run}/evaluation/scores.csv"),
        grid=behind_manifest("{results}/{target}/{run}/evaluation/grid.png"),
        validation=behind_manifest("{results}/{target}/{run}/training/validation.csv"),
        machine=behind_manifest("{results}/{target}/{run}/training/machine.json"),
        photos=behind_manifest("{results}/photos.csv"),
        overrides=CONFIG.overrides or [],
        model=behind_manifest("{results}/models/{target}.json"),
        helpers=helper_locks,
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
        project=CONFIG.project,
        folder=photos_folder,
        subject=project_settings("subject"),
        training=training_settings,
        config=recorded_config,
        target=lambda wildcards: TARGETS[wildcards.target].to_argument(),
        grid="../evaluation/grid.png",
    shell:
        "python {input.script:q} --project {params.project} --target-name {wildcards.target} --run {wildcards.run} "
        "--choice {input.choice} --checkpoints {input.checkpoints} --manifest {input.manifest} "
        "--scores {input.scores} --validation {input.validation} --model {input.model} --helpers {input.helpers} "
        "--photos {input.photos} --folder {params.folder:q} --overrides {input.overrides:q} --machine {input.machine} "
        "--grid {params.grid} --subject {params.subject:q} --training {params.training:q} "
        "--config {params.config:q} --target {params.target:q} --lora {output.lora} --comfyui {output.comfyui} "
        "--card {output.card} --provenance {output.provenance} > {log} 2>&1"


rule compare_runs:
    """Put all runs of all targets side by side."""
    input:
        script=script("compare_runs"),
        code=code("compare_runs"),
        choices=of_every_run("{results}/{target}/{run}/evaluation/choice.json"),
        scores=of_every_run("{results}/{target}/{run}/evaluation/scores.csv"),
        validations=of_every_run("{results}/{target}/{run}/training/validation.csv"),
        logs=of_every_run("{results}/{target}/{run}/training/log.csv"),
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
        runs=settings_of_every_run(),
    shell:
        "python {input.script:q} --project {params.project} --runs {params.runs:q} --choices {input.choices} "
        "--scores {input.scores} --validations {input.validations} --logs {input.logs} --table {output.table} "
        "--text {output.text} > {log} 2>&1"
