# What a project is to make: the outputs of every stage, target and run, and what all runs have in common.


def of_every_run(pattern):
    """An input function: a file of every run of every target, once the manifests are known."""

    def inputs(wildcards):
        for target in TARGETS:
            checkpoints.assemble_dataset.get(target=target)
        return [
            pattern.format(results=RESULTS, target=target, run=run)
            for target, run in RUNS
        ]

    return inputs


def settings_of_every_run():
    """What may differ between runs, as JSON, in the order of `of_every_run`."""
    return canonical_json(
        [
            {
                "target": target,
                "run": run,
                "settings": training.model_dump(mode="json")
                | {
                    "model": TARGETS[target].model,
                    "resolution": TARGETS[target].crop.resolution,
                    "caption_style": TARGETS[target].captions.style,
                    "prior_weight": TARGETS[target].prior.weight,
                },
            }
            for (target, run), training in RUNS.items()
        ]
    )


def shard_outputs(shard):
    """The tables of a shard, and its folder of masks."""
    folder = f"{RESULTS}/shards"
    return [
        f"{folder}/photos/{shard}.csv",
        f"{folder}/fingerprints/{shard}.csv",
        f"{folder}/masks/{shard}.csv",
        f"{folder}/masks/{shard}",
        f"{folder}/quality/{shard}.csv",
        f"{folder}/captions/{shard}.csv",
    ]


def run_outputs(target, run):
    """What people take away from one run, and every output that leads there."""
    folder = f"{RESULTS}/{target}/{run}"
    return [
        f"{folder}/training/log.csv",
        f"{folder}/training/validation.csv",
        f"{folder}/training/machine.json",
        f"{folder}/training/training.png",
        f"{folder}/training/SHA256SUMS",
        f"{folder}/training/checkpoints",
        *samples_of(target, run),
        *[f"{samples}.csv" for samples in samples_of(target, run)],
        f"{folder}/evaluation/samples.csv",
        f"{folder}/evaluation/samples",
        f"{folder}/evaluation/scores.csv",
        f"{folder}/evaluation/sample_scores.csv",
        f"{folder}/evaluation/choice.json",
        f"{folder}/evaluation/grid.png",
        f"{folder}/lora/{CONFIG.project}.safetensors",
        f"{folder}/lora/{CONFIG.project}.comfyui.safetensors",
        f"{folder}/lora/README.md",
        f"{folder}/lora/provenance.json",
    ]


def target_outputs(target):
    """The outputs of every stage of a target, so that a dry run plans the whole way."""
    folder = f"{RESULTS}/{target}"
    return [
        f"{RESULTS}/models/{target}.json",
        *polisher_lock(target),
        f"{folder}/frames.csv",
        f"{folder}/frames",
        f"{folder}/masks",
        f"{folder}/captions.csv",
        f"{folder}/audit.csv",
        f"{folder}/captions.html",
        f"{folder}/dataset/manifest.json",
        f"{folder}/dataset/images",
        f"{folder}/dataset/masks",
        f"{folder}/dataset/SHA256SUMS",
        *prior_outputs(target),
        f"{folder}/base_samples.csv",
        f"{folder}/base_samples",
        f"{folder}/encodings.csv",
        f"{folder}/encodings",
        *[output for run in CONFIG.runs for output in run_outputs(target, run)],
    ]


def everything():
    """All that a project makes: photos to LoRA, for every target and run.

    Every output of every rule is named. Snakemake deletes what a failed job had made before and forgets the failure;
    of what nobody wants it would not see that it is gone as long as all that was made from it is there.
    """
    return [
        *HELPER_LOCKS,
        *NEIGHBOURS,
        *EMBEDDINGS,
        *AESTHETIC,
        *[
            f"{RESULTS}/{table}.csv"
            for table in (
                "photos",
                "fingerprints",
                "duplicates",
                "masks",
                "quality",
                "selection",
                "captions",
            )
        ],
        f"{RESULTS}/masks",
        f"{RESULTS}/duplicates.jpg",
        f"{RESULTS}/selection.jpg",
        f"{RESULTS}/masks.jpg",
        *[output for shard in SHARDS for output in shard_outputs(shard)],
        *[output for target in TARGETS for output in target_outputs(target)],
        f"{RESULTS}/comparison.csv",
        f"{RESULTS}/comparison.md",
    ]
