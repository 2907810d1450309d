# Framing: the subject found, each photo scored inside it, chosen, and cut to the buckets of a target.


rule mask_subjects:
    """Find the subject of every readable photo of a shard."""
    input:
        script=script("mask_subjects"),
        code=code("mask_subjects"),
        lock=LOCK_FILE,
        photos=rules.survey_photos.output.table,
        model=lock_of("segmenter"),
        second=optional_locks("second_segmenter"),
        box_model=optional_locks("box_finder"),
    output:
        table=f"{RESULTS}/shards/masks/{{shard}}.csv",
        masks=directory(f"{RESULTS}/shards/masks/{{shard}}"),
    log:
        f"logs/{CONFIG.project}/mask_subjects/{{shard}}.log",
    conda:
        "../../envs/caption.yaml"
    threads: CONFIG.compute.inference_threads
    resources:
        gpu=PROJECT.mask_gpus,
        mem_mb=8000,
        runtime=240,
    params:
        folder=verbatim(CONFIG.photos),
        subject_class=verbatim(
            CONFIG.subject.subject_class if PROJECT.masks_by_torch else ""
        ),
        settings=project_settings("masks"),
        compute=verbatim(PROJECT.compute("inference_threads")),
        supplied_masks=lambda wildcards: PROJECT.shard_masks(wildcards.shard),
        index=PROJECT.index,
        mask_index=PROJECT.mask_index,
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --model {input.model} --second {input.second} "
        "--box-model {input.box_model} --subject-class {params.subject_class:q} --folder {params.folder:q} "
        "--settings {params.settings:q} --compute {params.compute:q} --photo-index {params.index} "
        "--mask-index {params.mask_index} --cache {params.cache} --table {output.table} --masks {output.masks} "
        "> {log} 2>&1"


rule gather_masks:
    """Merge the masks of all shards into one table and one folder."""
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        tables=expand(rules.mask_subjects.output.table, shard=PROJECT.shards),
        folders=ancient(
            expand(str(rules.mask_subjects.output.masks), shard=PROJECT.shards)
        ),
    output:
        table=f"{RESULTS}/masks.csv",
        masks=directory(f"{RESULTS}/masks"),
    log:
        f"logs/{CONFIG.project}/gather_masks.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "python {input.script:q} --tables {input.tables} --table {output.table} --folders {input.folders} "
        "--folder {output.masks} > {log} 2>&1"


rule score_quality:
    """Measure how sharp, well exposed and clean the photos of a shard are, inside their subject."""
    input:
        script=script("score_quality"),
        code=code("score_quality"),
        lock=LOCK_FILE,
        photos=rules.survey_photos.output.table,
        masks_table=rules.mask_subjects.output.table,
        masks=ancient(str(rules.mask_subjects.output.masks)),
    output:
        table=f"{RESULTS}/shards/quality/{{shard}}.csv",
    log:
        f"logs/{CONFIG.project}/score_quality/{{shard}}.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        folder=verbatim(CONFIG.photos),
        settings=project_settings("quality"),
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --masks-table {input.masks_table} --masks {input.masks} "
        "--folder {params.folder:q} --settings {params.settings:q} --cache {params.cache} --table {output.table} "
        "> {log} 2>&1"


use rule gather_fingerprints as gather_quality with:
    input:
        script=script("gather_shards"),
        code=code("gather_shards"),
        tables=expand(rules.score_quality.output.table, shard=PROJECT.shards),
    output:
        table=f"{RESULTS}/quality.csv",
    log:
        f"logs/{CONFIG.project}/gather_quality.log",
    localrule: True


rule score_aesthetic:
    """Score how much people like each photo, by a linear head on its vector."""
    input:
        script=script("score_aesthetic"),
        code=code("score_aesthetic"),
        lock=LOCK_FILE,
        vectors=rules.embed_photos.output.vectors if CONFIG.duplicates.embedding else [],
        head=CONFIG.aesthetic.head or [],
    output:
        table=f"{RESULTS}/aesthetic.csv",
    log:
        f"logs/{CONFIG.project}/score_aesthetic.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        "python {input.script:q} --vectors {input.vectors} --head {input.head:q} --table {output.table} > {log} 2>&1"


rule select_photos:
    """Decide which photos are used, with a reason for every one that is not, and which are held out."""
    input:
        script=script("select_photos"),
        code=code("select_photos"),
        photos=rules.gather_photos.output.table,
        duplicates=rules.group_duplicates.output.table,
        masks_table=rules.gather_masks.output.table,
        quality=rules.gather_quality.output.table,
        vectors=rules.embed_photos.output.vectors if CONFIG.duplicates.embedding else [],
        aesthetic=rules.score_aesthetic.output.table if CONFIG.aesthetic.head else [],
        overrides=CONFIG.overrides or [],
    output:
        table=f"{RESULTS}/selection.csv",
        sheet=report(
            f"{RESULTS}/selection.jpg",
            category="Photos",
            caption="../report/selection.rst",
        ),
    log:
        f"logs/{CONFIG.project}/select_photos.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        folder=verbatim(CONFIG.photos),
        settings=project_settings("selection"),
        cache=CACHE,
    shell:
        "python {input.script:q} --photos {input.photos} --duplicates {input.duplicates} "
        "--masks-table {input.masks_table} --quality {input.quality} --vectors {input.vectors} "
        "--aesthetic {input.aesthetic} --overrides {input.overrides:q} --folder {params.folder:q} "
        "--settings {params.settings:q} --cache {params.cache} --table {output.table} --sheet {output.sheet} "
        "> {log} 2>&1"


rule draw_masks:
    """Show every mask over its photo, with the reason where it is not trusted."""
    input:
        script=script("draw_masks"),
        code=code("draw_masks"),
        photos=rules.gather_photos.output.table,
        selection=rules.select_photos.output.table,
        masks_table=rules.gather_masks.output.table,
        masks=ancient(str(rules.gather_masks.output.masks)),
    output:
        sheet=report(
            f"{RESULTS}/masks.jpg",
            category="Photos",
            caption="../report/masks.rst",
        ),
    log:
        f"logs/{CONFIG.project}/draw_masks.log",
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
        "python {input.script:q} --photos {input.photos} --selection {input.selection} --masks-table {input.masks_table} "
        "--masks {input.masks} --folder {params.folder:q} --cache {params.cache} --sheet {output.sheet} > {log} 2>&1"


rule crop_to_buckets:
    """Cut each selected photo and its mask to a bucket of the target, by one transform."""
    input:
        script=script("crop_to_buckets"),
        code=code("crop_to_buckets"),
        lock=LOCK_FILE,
        selection=rules.select_photos.output.table,
        photos=rules.gather_photos.output.table,
        masks_table=rules.gather_masks.output.table,
        photo_masks=ancient(str(rules.gather_masks.output.masks)),
        overrides=CONFIG.overrides or [],
    output:
        table=f"{RESULTS}/{{target}}/frames.csv",
        frames=directory(f"{RESULTS}/{{target}}/frames"),
        masks=directory(f"{RESULTS}/{{target}}/masks"),
    log:
        f"logs/{CONFIG.project}/crop_to_buckets/{{target}}.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        folder=verbatim(CONFIG.photos),
        settings=target_settings("crop"),
        batch=lambda wildcards: PROJECT.dataset_batch(wildcards.target),
        cache=CACHE,
    shell:
        "python {input.script:q} --selection {input.selection} --photos {input.photos} "
        "--masks-table {input.masks_table} --photo-masks {input.photo_masks} --overrides {input.overrides:q} "
        "--folder {params.folder:q} --settings {params.settings:q} --batch {params.batch} --cache {params.cache} "
        "--table {output.table} --frames {output.frames} --masks {output.masks} > {log} 2>&1"
