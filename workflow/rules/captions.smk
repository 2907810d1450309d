# The captions room: describe the selected photos once, rewrite per target.


# Captions know nothing of the trigger: a new trigger captions nothing anew.
rule caption_photos:
    """Describe the selected photos of a shard with Florence-2."""
    input:
        script=script("caption_photos"),
        code=code("caption_photos"),
        lock=LOCK_FILE,
        photos=f"{RESULTS}/shards/photos/{{shard}}.csv",
        selection=f"{RESULTS}/selection.csv",
        model=f"{RESULTS}/models/captioner.json",
    output:
        table=f"{RESULTS}/shards/captions/{{shard}}.csv",
    log:
        f"logs/{CONFIG.project}/caption_photos/{{shard}}.log",
    conda:
        "../../envs/caption.yaml"
    threads: CONFIG.compute.inference_threads
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=GPUS,
    params:
        settings=project_settings("captioner"),
        compute=compute_settings("inference_threads"),
        folder=photos_folder,
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --selection {input.selection} --model {input.model} "
        "--folder {params.folder:q} --settings {params.settings:q} --compute {params.compute:q} "
        "--cache {params.cache} --table {output.table} > {log} 2>&1"


rule gather_captions:
    """Merge the captions of all shards."""
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        tables=expand(f"{RESULTS}/shards/captions/{{shard}}.csv", shard=SHARDS),
    output:
        table=f"{RESULTS}/captions.csv",
    log:
        f"logs/{CONFIG.project}/gather_captions.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    shell:
        "python {input.script:q} --tables {input.tables} --table {output.table} > {log} 2>&1"


# Sidecars and overrides are put in here and nowhere before: correcting a caption runs no captioner.
rule rewrite_captions:
    """Write each frame's caption in the dialect of the target, with the trigger put in."""
    input:
        script=script("rewrite_captions"),
        code=family_code("rewrite_captions"),
        lock=LOCK_FILE,
        captions=f"{RESULTS}/captions.csv",
        frames=f"{RESULTS}/{{target}}/frames.csv",
        photos=f"{RESULTS}/photos.csv",
        overrides=CONFIG.overrides or [],
        model=f"{RESULTS}/models/{{target}}.json",
    output:
        table=f"{RESULTS}/{{target}}/captions.csv",
    log:
        f"logs/{CONFIG.project}/rewrite_captions/{{target}}.log",
    conda:
        "../../envs/caption.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        subject=project_settings("subject"),
        settings=target_settings("captions"),
        family=target_family,
        folder=photos_folder,
    shell:
        "python {input.script:q} --captions {input.captions} --frames {input.frames} --photos {input.photos} "
        "--folder {params.folder:q} --overrides {input.overrides:q} --model {input.model} --family {params.family} "
        "--subject {params.subject:q} --settings {params.settings:q} --table {output.table} > {log} 2>&1"
