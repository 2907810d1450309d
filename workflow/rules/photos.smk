# Photos: every file accounted for, fingerprinted, and grouped with its copies.


rule survey_photos:
    """Open every file of a shard once and say what it is."""
    input:
        script=script("survey_photos"),
        code=code("survey_photos"),
        lock=LOCK_FILE,
    output:
        table=f"{RESULTS}/shards/photos/{{shard}}.csv",
    log:
        f"logs/{CONFIG.project}/survey_photos/{{shard}}.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        files=lambda wildcards: PROJECT.shard_files(wildcards.shard),
        index=PROJECT.index,
        folder=verbatim(CONFIG.photos),
        shards=CONFIG.shards,
        settings=project_settings("opening"),
        cache=CACHE,
    shell:
        "python {input.script:q} --index {params.index} --folder {params.folder:q} --shard {wildcards.shard} "
        "--shards {params.shards} --settings {params.settings:q} --cache {params.cache} --table {output.table} "
        "> {log} 2>&1"


# Merging is seconds of work, done where Snakemake runs: on a cluster every other job waits in a queue.
rule gather_photos:
    """Merge the surveys and find the photo of each sidecar caption."""
    input:
        script=script("gather_photos"),
        code=code("gather_photos"),
        tables=expand(rules.survey_photos.output.table, shard=PROJECT.shards),
    output:
        table=f"{RESULTS}/photos.csv",
    log:
        f"logs/{CONFIG.project}/gather_photos.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python {input.script:q} --tables {input.tables} --table {output.table} > {log} 2>&1"


rule fingerprint_photos:
    """Compute the perceptual hashes of the photos of a shard."""
    input:
        script=script("fingerprint_photos"),
        code=code("fingerprint_photos"),
        lock=LOCK_FILE,
        photos=rules.survey_photos.output.table,
    output:
        table=f"{RESULTS}/shards/fingerprints/{{shard}}.csv",
    log:
        f"logs/{CONFIG.project}/fingerprint_photos/{{shard}}.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        folder=verbatim(CONFIG.photos),
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --folder {params.folder:q} --cache {params.cache} "
        "--table {output.table} > {log} 2>&1"


# Its siblings in other rooms are made of it.
rule gather_fingerprints:
    """Merge the tables of all shards into one."""
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        tables=expand(rules.fingerprint_photos.output.table, shard=PROJECT.shards),
    output:
        table=f"{RESULTS}/fingerprints.csv",
    log:
        f"logs/{CONFIG.project}/gather_fingerprints.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python {input.script:q} --tables {input.tables} --table {output.table} > {log} 2>&1"


rule embed_photos:
    """Find the nearest photos of each in an embedding: further candidates for copies."""
    input:
        script=script("embed_photos"),
        code=code("embed_photos"),
        lock=LOCK_FILE,
        photos=rules.gather_photos.output.table,
        model=lock_of("embedding"),
    output:
        table=f"{RESULTS}/neighbours.csv",
        vectors=f"{RESULTS}/embeddings.npy",
    log:
        f"logs/{CONFIG.project}/embed_photos.log",
    conda:
        "../../envs/embed.yaml"
    threads: CONFIG.compute.inference_threads
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=PROJECT.gpus,
    params:
        folder=verbatim(CONFIG.photos),
        settings=project_settings("duplicates"),
        compute=verbatim(PROJECT.compute("inference_threads")),
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --folder {params.folder:q} --model {input.model} "
        "--settings {params.settings:q} --compute {params.compute:q} --cache {params.cache} --table {output.table} "
        "--vectors {output.vectors} > {log} 2>&1"


# It cannot be divided into jobs. Where it takes seconds, it does not wait until more than one core is free.
rule group_duplicates:
    """Group the photos that show one picture: copies of it and shots of one burst."""
    input:
        script=script("group_duplicates"),
        code=code("group_duplicates"),
        lock=LOCK_FILE,
        photos=rules.gather_photos.output.table,
        fingerprints=rules.gather_fingerprints.output.table,
        neighbours=(
            rules.embed_photos.output.table if CONFIG.duplicates.embedding else []
        ),
    output:
        table=f"{RESULTS}/duplicates.csv",
        sheet=report(
            f"{RESULTS}/duplicates.jpg",
            caption="../report/duplicates.rst",
            category="Photos",
        ),
    log:
        f"logs/{CONFIG.project}/group_duplicates.log",
    conda:
        "../../envs/curate.yaml"
    threads: 4 if len(PROJECT.files) > 1000 else 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        folder=verbatim(CONFIG.photos),
        settings=project_settings("duplicates"),
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --fingerprints {input.fingerprints} "
        "--neighbours {input.neighbours} --folder {params.folder:q} --settings {params.settings:q} "
        "--cache {params.cache} --threads {threads} --table {output.table} --sheet {output.sheet} > {log} 2>&1"
