"""What Snakemake plans, and what it refuses, before anything runs."""

import re
from pathlib import Path

import pytest
from checkout import ROOT, Checkout, jobs
from rerun_cases import target

ROOMS = {
    "survey_photos",
    "fingerprint_photos",
    "group_duplicates",
    "mask_subjects",
    "score_quality",
    "select_photos",
    "crop_to_buckets",
    "caption_photos",
    "rewrite_captions",
    "audit_captions",
    "assemble_dataset",
    "export_dataset",
    "fetch_model",
    "fetch_base_model",
    "encode_dataset",
    "train_lora",
    "draw_training",
    "render_base",
    "render_samples",
    "gather_samples",
    "score_checkpoints",
    "choose_checkpoint",
    "draw_grid",
    "publish_lora",
    "compare_runs",
}


def test_plain_snakemake_plans_every_stage(checkout: Checkout) -> None:
    planned = jobs(checkout.snakemake("-n"))
    assert set(planned) >= ROOMS | {"render_prior"}
    assert planned["fetch_model"] == 4


def named(kind: str, planned: str) -> set[str]:
    """All files that a dry run names as the input or output of its jobs."""
    lists = re.findall(rf"^    {kind}: (.*)$", planned, flags=re.MULTILINE)
    return {file for files in lists for file in files.split(", ")}


@pytest.mark.parametrize(
    "models",
    [[], ["duplicates={embedding: resources/pocket/clip}", "aesthetic={head: head}", "targets=[polished.yaml]"]],
    ids=["default", "all"],
)
def test_every_output_is_wanted(checkout: Checkout, models: list[str]) -> None:
    """Of what is only on the way Snakemake would not see that it is gone."""
    (checkout.folder / "head").touch()
    text = (checkout.folder / "config" / "targets" / "pocket-mini.yaml").read_text()
    (checkout.folder / "polished.yaml").write_text(text.replace("{style: tags}", "{polish: owner/model}"))
    planned = checkout.snakemake("-n", "--config", "shards=2", *models).stdout
    assert ("score_aesthetic" in planned) == ("polished.polisher.json" in planned) == bool(models)
    jobs_of_rules, target = planned.split("\nrule all:\n")
    outputs = named("output", jobs_of_rules)
    assert len(outputs) > 50
    assert outputs == named("input", target)


@pytest.mark.parametrize(("example", "runs"), [("sdxl.yaml", 2), ("flux.yaml", 1)])
def test_examples_with_real_weights_are_planned_whole(checkout: Checkout, example: str, runs: int) -> None:
    planned = jobs(checkout.snakemake("-n", "--configfile", f"config/examples/{example}"))
    assert set(planned) >= ROOMS
    assert planned["fetch_model"] == 4
    assert planned["train_lora"] == planned["publish_lora"] == runs


def test_the_slurm_profile_is_planned(checkout: Checkout) -> None:
    planned = checkout.snakemake(
        "-n", "--configfile", "config/examples/sdxl.yaml", "--workflow-profile", "profiles/slurm"
    )
    assert set(jobs(planned)) >= ROOMS
    assert "gpu=1" in planned.stdout + planned.stderr


def test_it_runs_from_another_folder(checkout: Checkout, tmp_path: Path) -> None:
    away = tmp_path / "away"
    (away / "config").mkdir(parents=True)
    text = (ROOT / "config" / "mini.yaml").read_text().replace("resources/", f"{checkout.folder}/resources/")
    (away / "my.yaml").write_text(text.replace("targets: [pocket-mini]", "targets: [away.yaml]"))
    text = (ROOT / "config" / "targets" / "pocket-mini.yaml").read_text()
    (away / "away.yaml").write_text(text.replace("resources/", f"{checkout.folder}/resources/"))
    masks = f"masks={{model: {checkout.folder}/resources/models/u2netp.onnx}}"
    planned = checkout.snakemake(
        "-n", "--directory", str(away), "--configfile", str(away / "my.yaml"), "--config", masks
    )
    assert set(jobs(planned)) >= ROOMS


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["shardz=3"], "unknown key 'shardz'; did you mean 'shards'?"),
        (["photos=nowhere"], "there is no folder nowhere"),
        (["photos=empty"], "holds no files"),
        (["targets=[pocket-sdlx]"], "did you mean 'pocket-sdxl'?"),
        (["captioner={model: resources/pocket/nothing}"], "captioner.model: there is no model at"),
        (["training={rnak: 3}"], "did you mean 'rank'?"),
    ],
)
def test_mistakes_are_one_clear_line(checkout: Checkout, arguments: list[str], expected: str) -> None:
    (checkout.folder / "empty").mkdir()
    done = checkout.snakemake("--config", *arguments, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("darkroom: error:")]
    assert done.returncode == 1
    assert len(lines) == 1
    assert expected in lines[0]
    assert "Traceback" not in done.stderr
    assert not (checkout.folder / "results").exists()
    assert not (checkout.folder / ".darkroom").exists()


def test_only_broken_files_is_one_clear_line(checkout: Checkout) -> None:
    broken = checkout.folder / "broken"
    broken.mkdir()
    (broken / "a.jpg").write_bytes(b"")
    (broken / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    # Without prior pictures, which are rendered whatever the photos are.
    target("weight: 1.0", "weight: 0.0")(checkout.folder)
    done = checkout.snakemake("--configfile", "config/mini.yaml", "--config", "photos=broken", check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "darkroom: error:" in line]
    assert done.returncode == 1
    assert len(set(lines)) == 1
    assert "2" in lines[0]
    assert "unreadable" in lines[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert (checkout.folder / "results" / "mini" / "photos.csv").exists()
    assert not (checkout.folder / "results" / "mini" / "selection.csv").exists()
