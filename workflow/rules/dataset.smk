# The dataset room: the one checkpoint. Nothing behind it reruns for an identical dataset.


checkpoint assemble_dataset:
    """Decide what exactly is trained on: canonical bytes, so that an identical dataset is seen to be identical."""
    input:
        script=script("assemble_dataset"),
        code=code("assemble_dataset"),
        selection=rules.select_photos.output.table,
        photos=rules.gather_photos.output.table,
        frames=rules.crop_to_buckets.output.table,
        captions=rules.rewrite_captions.output.table,
        audit=rules.audit_captions.output.table,
    output:
        manifest=f"{RESULTS}/{{target}}/dataset/manifest.json",
    log:
        f"logs/{CONFIG.project}/assemble_dataset/{{target}}.log",
    localrule: True
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    shell:
        "python {input.script:q} --selection {input.selection} --photos {input.photos} --frames {input.frames} "
        "--captions {input.captions} --audit {input.audit} --manifest {output.manifest} > {log} 2>&1"


rule export_dataset:
    """Lay out the dataset as a folder that any trainer reads."""
    input:
        script=script("export_dataset"),
        code=code("export_dataset"),
        manifest=manifest,
    output:
        images=directory(f"{RESULTS}/{{target}}/dataset/images"),
        masks=directory(f"{RESULTS}/{{target}}/dataset/masks"),
        sums=f"{RESULTS}/{{target}}/dataset/SHA256SUMS",
    log:
        f"logs/{CONFIG.project}/export_dataset/{{target}}.log",
    conda:
        "../../envs/curate.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        source=f"{RESULTS}/{{target}}",
    shell:
        "python {input.script:q} --manifest {input.manifest} --source {params.source} --images {output.images} "
        "--masks {output.masks} --sums {output.sums} > {log} 2>&1"
