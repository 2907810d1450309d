# What a project is to make: every output of every rule that its settings ask for.


def outputs(*made):
    """The outputs of rules, without their flags, which `expand` does not take."""
    return [str(output) for rule in made for output in rule.output]


def of_photos():
    """The outputs of the stages that all targets share."""
    sharded = outputs(
        rules.survey_photos,
        rules.fingerprint_photos,
        rules.mask_subjects,
        rules.score_quality,
        rules.caption_photos,
    )
    return [
        *expand(sharded, shard=PROJECT.shards),
        *outputs(rules.gather_photos, rules.gather_fingerprints, rules.gather_masks),
        *outputs(rules.gather_quality, rules.gather_captions, rules.draw_masks),
        *outputs(rules.group_duplicates, rules.select_photos, rules.compare_runs),
        *(outputs(rules.embed_photos) if CONFIG.duplicates.embedding else []),
        *(outputs(rules.score_aesthetic) if CONFIG.aesthetic.head else []),
    ]


def of_each_target():
    """The outputs of every stage of every target, so that a dry run plans the whole way."""
    with_prior = [name for name, target in TARGETS.items() if target.prior.weight > 0]
    made = outputs(
        *(rules.crop_to_buckets, rules.rewrite_captions, rules.audit_captions),
        *(rules.assemble_dataset, rules.export_dataset, rules.encode_dataset),
        rules.render_base,
    )
    return [
        *expand(made, target=TARGETS),
        *expand(outputs(rules.render_prior), target=with_prior),
    ]


def of_each_run(target, run):
    """What people take away from a run, and every output that leads there."""
    made = outputs(
        *(rules.train_lora, rules.draw_training, rules.gather_samples),
        *(rules.score_checkpoints, rules.choose_checkpoint, rules.draw_grid),
        rules.publish_lora,
    )
    rendered = outputs(rules.render_samples)
    return [
        *expand(made, target=target, run=run),
        *expand(rendered, target=target, run=run, step=PROJECT.steps(target, run)),
    ]


def everything():
    """All that a project makes: photos to LoRA, for every target and run.

    Every output of every rule is named. Snakemake deletes what a failed job had made before and forgets the failure;
    of what nobody wants it would not see that it is gone as long as all that was made from it is there.
    """
    return [
        *expand(str(rules.fetch_model.output.lock), model=PROJECT.models),
        *of_photos(),
        *of_each_target(),
        *[output for target, run in RUNS for output in of_each_run(target, run)],
    ]
