# The captions room: describe the selected photos once, rewrite per target.


# Captions know nothing of the trigger: a new trigger captions nothing anew.
rule caption_photos:
    """Describe the selected photos of a shard with the captioner."""
    input:
        script=script("caption_photos"),
        code=code("caption_photos"),
        lock=LOCK_FILE,
        photos=rules.survey_photos.output.table,
        selection=rules.select_photos.output.table,
        model=lock_of("captioner"),
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
        gpu=PROJECT.gpus,
    params:
        settings=project_settings("captioner"),
        subject_class=verbatim(CONFIG.subject.subject_class),
        compute=verbatim(PROJECT.compute("inference_threads")),
        folder=verbatim(CONFIG.photos),
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --selection {input.selection} --model {input.model} "
        "--folder {params.folder:q} --settings {params.settings:q} --subject-class {params.subject_class:q} "
        "--compute {params.compute:q} --cache {params.cache} --table {output.table} > {log} 2>&1"


use rule gather_fingerprints as gather_captions with:
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        tables=expand(rules.caption_photos.output.table, shard=PROJECT.shards),
    output:
        table=f"{RESULTS}/captions.csv",
    log:
        f"logs/{CONFIG.project}/gather_captions.log",
    localrule: True


# Sidecars and overrides are put in here and nowhere before: correcting a caption runs no captioner.
# Only a target that names a model for it is polished, and asks for a GPU.
rule rewrite_captions:
    """Write each frame's caption in the caption style of the target, with the trigger put in, and polish it."""
    input:
        script=script("rewrite_captions"),
        code=family_code("rewrite_captions"),
        lock=LOCK_FILE,
        captions=rules.gather_captions.output.table,
        frames=rules.crop_to_buckets.output.table,
        photos=rules.gather_photos.output.table,
        overrides=CONFIG.overrides or [],
        model=lock_of("{target}.tokenizers"),
        polisher=polisher_lock,
    output:
        table=f"{RESULTS}/{{target}}/captions.csv",
    log:
        f"logs/{CONFIG.project}/rewrite_captions/{{target}}.log",
    conda:
        "../../envs/caption.yaml"
    threads: where_polished(CONFIG.compute.inference_threads, 1)
    resources:
        mem_mb=where_polished(16000, 2000),
        runtime=where_polished(240, 20),
        gpu=where_polished(PROJECT.gpus, 0),
    params:
        subject=project_settings("subject"),
        settings=target_settings("captions"),
        compute=where_polished(PROJECT.compute("inference_threads"), "{}"),
        cache=CACHE,
        family=target_family,
        folder=verbatim(CONFIG.photos),
    shell:
        "python {input.script:q} --captions {input.captions} --frames {input.frames} --photos {input.photos} "
        "--folder {params.folder:q} --overrides {input.overrides:q} --model {input.model} --family {params.family} "
        "--subject {params.subject:q} --settings {params.settings:q} --polisher {input.polisher} "
        "--compute {params.compute:q} --cache {params.cache} --table {output.table} > {log} 2>&1"


# It finds, and does not fail: its page must stay to be looked at. assemble_dataset stops where there are errors.
rule audit_captions:
    """Audit the captions of a target: what must not be trained on, and what the set teaches besides the subject."""
    input:
        script=script("audit_captions"),
        code=family_code("audit_captions"),
        lock=LOCK_FILE,
        captions=rules.rewrite_captions.output.table,
        machine=rules.gather_captions.output.table,
        frames=rules.crop_to_buckets.output.table,
        photos=rules.gather_photos.output.table,
        model=lock_of("{target}.tokenizers"),
    output:
        table=f"{RESULTS}/{{target}}/audit.csv",
        page=report(
            f"{RESULTS}/{{target}}/captions.html",
            category="Captions",
            labels={"target": "{target}"},
            caption="../report/captions.rst",
        ),
    log:
        f"logs/{CONFIG.project}/audit_captions/{{target}}.log",
    conda:
        "../../envs/caption.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        subject=project_settings("subject"),
        settings=target_settings("captions"),
        family=target_family,
        folder=verbatim(CONFIG.photos),
        cache=CACHE,
    shell:
        "python {input.script:q} --captions {input.captions} --machine {input.machine} --frames {input.frames} "
        "--photos {input.photos} --folder {params.folder:q} --model {input.model} --family {params.family} "
        "--target {wildcards.target:q} --subject {params.subject:q} --settings {params.settings:q} "
        "--cache {params.cache} --table {output.table} --page {output.page} > {log} 2>&1"
