"""Only what changed runs again: real commands, counted jobs and counted inferences."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import Checkout, jobs
from PIL import Image

from darkroom.tables import read_table

MINI = ("--configfile", "config/mini.yaml")
EXPENSIVE = {"encode_dataset", "train_lora", "render_samples", "score_checkpoints"}
BEHIND_TRAINING = {
    "train_lora",
    "render_samples",
    "score_checkpoints",
    "choose_checkpoint",
    "draw_grid",
    "publish_lora",
    "compare_runs",
}


def edit(checkout: Checkout, old: str, new: str) -> None:
    """Change config/mini.yaml as a user would."""
    path = checkout.folder / "config" / "mini.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def own_photos(checkout: Checkout) -> Path:
    """Let mini.yaml use a copy of its photos that a test may change."""
    source = checkout.folder / "resources" / "toybox" / "photos" / "garden"
    return Path(shutil.copytree(source, checkout.folder / "my_photos"))


def test_a_second_run_has_nothing_to_do(mini: Checkout) -> None:
    done = mini.snakemake(*MINI)
    assert jobs(done).total() == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_touched_files_and_moved_photos_change_nothing(mini: Checkout) -> None:
    for folder in ("scripts", "config", "resources", "workflow"):
        for path in (mini.folder / folder).rglob("*"):
            if path.is_file():
                os.utime(path)
    assert jobs(mini.snakemake(*MINI)).total() == 0


def test_another_rank_trains_anew_and_nothing_before(mini: Checkout) -> None:
    edit(mini, "training: {batch", "training: {rank: 2, batch")
    assert set(jobs(mini.snakemake(*MINI))) == BEHIND_TRAINING


def test_another_trigger_captions_nothing(mini: Checkout) -> None:
    edit(mini, "trigger: mimi_toy", "trigger: other_toy")
    started = set(jobs(mini.snakemake(*MINI)))
    assert "caption_photos" not in started
    assert started >= {"rewrite_captions", "assemble_dataset", "encode_dataset"} | BEHIND_TRAINING


def test_an_added_photo_costs_one_caption_and_one_mask(mini: Checkout) -> None:
    tables = ("results/mini/captions.csv", "results/mini/masks.csv")
    photos = own_photos(mini)
    edit(mini, "resources/toybox/photos/garden", "my_photos")
    mini.snakemake(*MINI, "--", *tables)
    extra = next(
        path
        for path in sorted((mini.folder / "resources" / "toybox" / "photos").rglob("*.jpg"))
        if path.name in good_names(mini) and "garden" not in path.parts
    )
    shutil.copyfile(extra, photos / "zz_added.jpg")
    mini.snakemake(*MINI, "--", *tables)
    assert mini.computed("mini", "caption_photos") == 1
    assert mini.computed("mini", "mask_subjects") == 1


def test_an_exchanged_mask_is_seen_by_its_shard_alone(mini: Checkout) -> None:
    edit(mini, "shards: 1", "shards: 2\nmasks: {supplied: my_masks}")
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


def test_a_moved_photos_folder_computes_nothing(mini: Checkout) -> None:
    own_photos(mini)
    edit(mini, "resources/toybox/photos/garden", "my_photos")
    before = (mini.folder / "results/mini/pocket-mini/dataset/manifest.json").read_bytes()
    started = set(jobs(mini.snakemake(*MINI)))
    assert started.isdisjoint(EXPENSIVE)
    assert mini.computed("mini", "caption_photos") == 0
    assert mini.computed("mini", "mask_subjects") == 0
    assert (mini.folder / "results/mini/pocket-mini/dataset/manifest.json").read_bytes() == before


def test_a_threshold_that_keeps_the_dataset_trains_nothing(mini: Checkout) -> None:
    edit(mini, "min_side: 128", "min_side: 127")
    started = set(jobs(mini.snakemake(*MINI)))
    assert "select_photos" in started
    assert started.isdisjoint({"mask_subjects", "score_quality"} | EXPENSIVE)
    assert mini.computed("mini", "caption_photos") == 0


def test_more_shards_compute_nothing(mini: Checkout) -> None:
    edit(mini, "shards: 1", "shards: 3")
    started = jobs(mini.snakemake(*MINI))
    assert started["mask_subjects"] == 3
    assert set(started).isdisjoint(EXPENSIVE)
    for rule in ("survey_photos", "mask_subjects", "score_quality", "caption_photos"):
        assert mini.computed("mini", rule) == 0


@pytest.mark.slow
def test_without_the_cache_the_results_are_the_same(mini: Checkout) -> None:
    before = (mini.folder / "results/mini/pocket-mini/dataset/manifest.json").read_bytes()
    shutil.rmtree(mini.folder / ".darkroom" / "cache")
    edit(mini, "shards: 1", "shards: 2")
    started = set(jobs(mini.snakemake(*MINI)))
    assert started.isdisjoint(EXPENSIVE)
    assert mini.computed("mini", "caption_photos") > 0
    assert (mini.folder / "results/mini/pocket-mini/dataset/manifest.json").read_bytes() == before


def good_names(checkout: Checkout) -> set[str]:
    """The names of the toybox's good photos."""
    truth = (checkout.folder / "resources" / "toybox" / "truth.csv").read_text().splitlines()
    return {Path(line.split(",")[0]).name for line in truth if ",good," in line}
