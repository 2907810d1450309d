"""A target of several resolutions walks the whole way: one frame of each photo per resolution, each counted once."""

import json
import re
from collections import Counter

import pytest
from checkout import Checkout
from rerun_cases import target
from safetensors import safe_open

from darkroom.contracts.frame_names import view_of
from darkroom.storage.tables import read_table

MINI = ("--configfile", "config/mini.yaml")


def test_a_photo_too_small_for_one_resolution_is_left_out_of_that_alone(mini: Checkout) -> None:
    target("resolution: 64", "resolution: [560, 64]")(mini.folder)
    mini.snakemake(*MINI, "--", "results/mini/pocket-mini/frames.csv")
    rows = {row["frame"]: row for row in read_table(mini.folder / "results" / "mini" / "pocket-mini" / "frames.csv")}
    told = Counter((row["status"], "-" in frame) for frame, row in rows.items())
    assert told["ok", True] == 14 and told["ok", False] > 0 and told["too_small", False] > 0 and told.total() == 28
    for row in rows.values():
        if row["status"] == "too_small":
            sides = f"{row['photo_width']} x {row['photo_height']}"
            assert row["reason"] == f"{sides} pixels fill no bucket of 560 without enlarging"


@pytest.mark.slow
def test_a_target_of_several_resolutions(mini: Checkout) -> None:
    """Frames of 64 stay as they were; captions, splits and whatever is counted for people are those of the photos."""
    results = mini.folder / "results" / "mini" / "pocket-mini"
    before = {frame["frame"]: frame for frame in json.loads((results / "dataset/manifest.json").read_text())["frames"]}
    target("resolution: 64", "resolution: [48, 64]")(mini.folder)
    mini.snakemake(*MINI)

    rows = {row["frame"]: row for row in read_table(results / "frames.csv")}
    assert set(rows) == set(before) | {f"{frame}-48" for frame in before}
    for frame, row in rows.items():
        side = int(frame.partition("-")[2] or 64)
        assert row["status"] == "ok" and 0.85 * side**2 <= int(row["width"]) * int(row["height"]) <= side**2

    manifest = json.loads((results / "dataset/manifest.json").read_text())["frames"]
    frames = {frame["frame"]: frame for frame in manifest}
    assert list(frames) == sorted(rows)
    for name, frame in frames.items():
        old = before[view_of(name)]
        assert (frame["caption"], frame["split"], frame["photo"]) == (old["caption"], old["split"], old["photo"])
        assert frame == old or name.endswith("-48")
    images = results / "dataset" / "images"
    assert {path.stem for path in images.glob("*.png")} == {path.stem for path in images.glob("*.txt")} == set(frames)
    assert {path.stem for path in (results / "dataset" / "masks").glob("*.png")} == set(frames)

    splits = Counter(frame["split"] for frame in manifest)
    sizes = {(frame["width"], frame["height"]) for frame in manifest if frame["split"] == "train"}
    log = next((mini.folder / "logs" / "mini" / "train_lora").rglob("*.log")).read_text()
    train, held_out = splits["train"], splits["held_out"]
    assert re.search(rf"frames {train}/{train}, captions {train}/{train}, masks \d+/{train}, ", log)
    assert f"buckets {len(sizes)}, held out {held_out}, " in log
    losses = read_table(results / "main" / "training" / "validation.csv")
    assert {row["frames"] for row in losses} == {str(held_out)}
    views = {split: len({view_of(name) for name, f in frames.items() if f["split"] == split}) for split in splits}
    scores = next((mini.folder / "logs" / "mini" / "score_checkpoints").rglob("*.log")).read_text()
    assert f"photos {views['held_out']}, " in scores
    with safe_open(results / "main" / "lora" / "mini.safetensors", "pt") as lora:
        metadata = lora.metadata()
    assert metadata["modelspec.resolution"] == "64x64"
    assert sum(bucket["count"] for bucket in json.loads(metadata["ss_bucket_info"])["buckets"].values()) == train
    card = (results / "main" / "lora" / "README.md").read_text()
    assert "| resolution | 64, 48 px |" in card
    assert re.search(rf"^{views['train']} pictures trained on, {views['held_out']} held out", card, re.MULTILINE)
    page = (results / "captions.html").read_text()
    assert f"captions {len(before)}, errors 0" in page
