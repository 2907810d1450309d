"""Only what changed runs again: real commands, counted jobs and counted inferences."""

import os
import re
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from checkout import ROOT, Checkout, jobs, make_checkout
from PIL import Image
from rerun_cases import CASES, TRAINING, Change, comment, config, rename_photo, table, target

from darkroom.storage.tables import read_table

MINI = ("--configfile", "config/mini.yaml")


@pytest.mark.parametrize("name", CASES)
def test_only_what_changed_is_planned(mini: Checkout, name: str) -> None:
    case = CASES[name]
    if case.first is not None:
        case.first(mini.folder)
        mini.snakemake(*MINI)
    case.apply(mini.folder)
    assert set(jobs(mini.snakemake("-n", *MINI))) == case.planned()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if case.slow else []) for name, case in CASES.items()]
)
def test_only_what_changed_runs_again(mini: Checkout, name: str) -> None:
    case = CASES[name]
    if case.first is not None:
        case.first(mini.folder)
        mini.snakemake(*MINI)
    case.apply(mini.folder)
    began = time.time()
    done = mini.snakemake(*MINI)
    assert set(jobs(done)) == case.runs
    assert mini.inferences("mini", began) == case.computed


def test_the_page_of_what_reruns_is_made_from_the_cases() -> None:
    assert (ROOT / "docs" / "what-reruns.md").read_text() == table()


def test_a_fresh_clone_over_existing_results_has_nothing_to_do(mini: Checkout, tmp_path: Path) -> None:
    clone = make_checkout(tmp_path / "clone")
    for name in ("results", ".darkroom", ".snakemake"):
        shutil.move(mini.folder / name, clone.folder / name)
    assert jobs(clone.snakemake(*MINI)).total() == 0


@pytest.mark.slow
def test_a_setting_changed_and_changed_back_trains_once(mini: Checkout) -> None:
    lora = mini.folder / "results/mini/pocket-mini/main/lora/mini.safetensors"
    before = lora.read_bytes()
    config("training: {batch", "training: {rank: 2, batch")(mini.folder)
    mini.snakemake(*MINI)
    assert lora.read_bytes() != before
    config("training: {rank: 2, batch", "training: {batch")(mini.folder)
    began = time.time()
    assert set(jobs(mini.snakemake(*MINI))) == TRAINING
    assert not mini.inferences("mini", began)
    assert lora.read_bytes() == before


@pytest.mark.slow
def test_an_altered_checkpoint_is_trained_anew(mini: Checkout) -> None:
    checkpoint = next((mini.folder / ".darkroom" / "training").rglob("step-000002.safetensors"))
    before = checkpoint.read_bytes()
    checkpoint.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    config("training: {batch", "runs: {first: {}}\ntraining: {batch")(mini.folder)
    began = time.time()
    mini.snakemake(*MINI)
    assert mini.inferences("mini", began)["train_lora"] == 4
    again = mini.folder / "results/mini/pocket-mini/first/training/checkpoints/step-000002.safetensors"
    assert again.read_bytes() == before


def test_an_exchanged_mask_is_seen_by_its_shard_alone(mini: Checkout) -> None:
    config("shards: 1", "shards: 2\nmasks: {supplied: my_masks}")(mini.folder)
    photos = [row for row in read_table(mini.folder / "results/mini/photos.csv") if row["status"] == "ok"]
    own = [next(row for row in photos if int(row["photo"], 16) % 2 == shard) for shard in (0, 1)]
    (mini.folder / "my_masks").mkdir()
    for number, row in enumerate(own):
        mask = Image.new("L", (int(row["width"]), int(row["height"])), 0)
        mask.paste(255, (10 + number, 10, 60, 60))
        mask.save(mini.folder / "my_masks" / f"{Path(row['path']).stem}.png")
    tables = ("results/mini/masks.csv",)
    mini.snakemake(*MINI, "--", *tables)
    assert mini.computed("mini", "mask_subjects") == 0
    masks = {row["photo"]: row for row in read_table(mini.folder / tables[0])}
    assert Counter(row["source"] for row in masks.values()) == {"supplied": 2, "u2netp": len(photos) - 2}
    assert [masks[row["photo"]]["x0"] for row in own] == ["10", "11"]
    place = mini.folder / "my_masks" / f"{Path(own[0]['path']).stem}.png"
    with Image.open(place) as old:
        Image.new("L", old.size, 255).save(place)
    os.utime(place, (1, 1))
    assert jobs(mini.snakemake(*MINI, "--", *tables)) == {"mask_subjects": 1, "gather_masks": 1}
    assert mini.computed("mini", "mask_subjects") == 0
    changed = {row["photo"]: row for row in read_table(mini.folder / tables[0])}
    assert [name for name in masks if changed[name] != masks[name]] == [own[0]["photo"]]


@pytest.mark.parametrize(
    ("change", "captioned"),
    [
        (config("trigger: mimi_toy", "trigger: other_toy"), 0),
        (target("style: tags", "style: sentences"), 0),
        (config("targets: [pocket-mini]", "targets: [pocket-mini, pocket-sdxl]"), 0),
        (config("max_tokens: 64}", "max_tokens: 48}"), 1),
    ],
    ids=["trigger", "caption style", "target", "captioner"],
)
def test_only_the_captioner_itself_captions_anew(mini: Checkout, change: Change, captioned: int) -> None:
    change(mini.folder)
    planned = jobs(mini.snakemake("-n", *MINI))
    assert planned["rewrite_captions"] == 1
    assert planned["caption_photos"] == captioned


def test_without_scores_and_frames_in_the_cache_the_dataset_is_the_same(mini: Checkout) -> None:
    manifest = "results/mini/pocket-mini/dataset/manifest.json"
    before = (mini.folder / manifest).read_bytes()
    for name in ("quality", "frames"):
        shutil.rmtree(mini.folder / ".darkroom" / "cache" / name)
    config("shards: 1", "shards: 2")(mini.folder)
    began = time.time()
    assert set(jobs(mini.snakemake(*MINI, "--", manifest))) >= {"score_quality", "crop_to_buckets", "assemble_dataset"}
    assert mini.inferences("mini", began) == {"score_quality": 22, "crop_to_buckets": 14}
    assert (mini.folder / manifest).read_bytes() == before


@pytest.mark.slow
def test_without_the_cache_the_results_are_the_same(mini: Checkout) -> None:
    manifest = mini.folder / "results/mini/pocket-mini/dataset/manifest.json"
    before = manifest.read_bytes()
    shutil.rmtree(mini.folder / ".darkroom" / "cache")
    config("shards: 1", "shards: 2")(mini.folder)
    began = time.time()
    started = set(jobs(mini.snakemake(*MINI)))
    assert started.isdisjoint(TRAINING)
    assert mini.inferences("mini", began)["caption_photos"] == 14
    assert manifest.read_bytes() == before


def explained(checkout: Checkout) -> str:
    return checkout.snakemake("explain", *MINI).stdout


def test_explain_names_what_changed_and_what_follows(mini: Checkout) -> None:
    assert explained(mini).strip() == "Nothing would run: everything is up to date."
    rename_photo(mini.folder)
    comment("framing/quality_scores.py")(mini.folder)
    config("min_side: 128", "min_side: 120")(mini.folder)
    config("training: {batch", "training: {rank: 2, batch")(mini.folder)
    words = explained(mini)
    for expected in (
        "photo gone: IMG_0434.jpg -> survey_photos",
        "photo added: my favourite.jpg -> survey_photos",
        "darkroom/framing/quality_scores.py was edited -> score_quality",
        "min_side was 128, is 120 -> select_photos",
        "rank was 4, is 2 -> ",
    ):
        assert expected in words
    behind, dataset = words.split("Only if the dataset then differs:")
    assert "crop_to_buckets" in behind
    assert "export_dataset" in dataset
    assert int(re.search(r"(\d+) jobs would run", words)[1]) == jobs(mini.snakemake("-n", *MINI)).total()


def test_explain_says_what_is_not_made_yet_and_what_is_wrong(checkout: Checkout) -> None:
    words = explained(checkout)
    assert "Not made yet:" in words
    assert "train_lora" in words
    refused = checkout.snakemake("explain", "--config", "shardz=3", check=False)
    assert refused.returncode == 1
    assert "did you mean 'shards'?" in refused.stderr
