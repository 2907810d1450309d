"""What runs again after which change: the cases of test_workflow_reruns.py, and docs/what-reruns.md made from them.

python tests/workflow/rerun_cases.py > docs/what-reruns.md
"""

import csv
import os
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.numpy import load_file, save_file

Change = Callable[[Path], None]

SURVEY = frozenset({"survey_photos", "gather_photos", "fingerprint_photos", "gather_fingerprints", "group_duplicates"})
SCORES = frozenset({"mask_subjects", "gather_masks", "score_quality", "gather_quality"})
SELECTION = frozenset({"select_photos", "draw_masks", "crop_to_buckets"})
WRITING = frozenset({"rewrite_captions", "audit_captions"})
CAPTIONS = frozenset({"caption_photos", "gather_captions"}) | WRITING
DATASET = frozenset({"assemble_dataset"})
ENCODING = frozenset({"export_dataset", "encode_dataset"})
EVALUATION = frozenset({"render_samples", "gather_samples", "score_checkpoints", "choose_checkpoint", "draw_grid"})
BASE = frozenset({"render_base"})
PUBLISHING = frozenset({"publish_lora", "compare_runs"})
TRAINING = frozenset({"train_lora", "draw_training"}) | EVALUATION | PUBLISHING
TO_DATASET = SELECTION | CAPTIONS | DATASET
FROM_PHOTOS = SURVEY | SCORES | TO_DATASET
# Where a dataset is assembled anew, `snakemake -n` cannot know whether its manifest stays the same: it plans all that
# lies behind but the jobs whose every input is known by the manifest alone.
UNKNOWN = frozenset({"render_samples", "score_checkpoints"})
BEHIND = (ENCODING | BASE | TRAINING) - UNKNOWN

# How the table names whole groups of rules; a rule outside them is named itself.
GROUPS = {
    "survey and duplicates": SURVEY,
    "masks and scores": SCORES,
    "select and crop": SELECTION,
    "captions": CAPTIONS,
    "assemble": DATASET,
    "export and encode": ENCODING,
    "train and after": TRAINING,
}

GARDEN = "resources/toybox/photos/garden"


@dataclass(frozen=True)
class Case:
    """A change to a finished config/mini.yaml, the rules that run after it, and what they compute.

    `computed` counts per rule: photos, pictures or training steps; encode_dataset's are its pictures, masks and texts.
    Rules that run and are not named there compute nothing. `first` is changed and run before, where there is one. What
    is planned is tested for every case, what is computed for all but the slow ones in `make test`.
    """

    change: str
    apply: Change
    runs: frozenset[str]
    computed: Mapping[str, int] = field(default_factory=dict)
    first: Change | None = None
    note: str = ""
    slow: bool = False

    def planned(self) -> frozenset[str]:
        """The rules of which `snakemake -n` plans jobs."""
        return self.runs if DATASET.isdisjoint(self.runs) else self.runs - UNKNOWN | BEHIND


def edit(place: str, old: str, new: str) -> Change:
    """An edit of a file of the checkout, in which the old text stands."""

    def change(folder: Path) -> None:
        text = (folder / place).read_text()
        assert old in text
        (folder / place).write_text(text.replace(old, new))

    return change


def config(old: str, new: str) -> Change:
    """An edit of config/mini.yaml."""
    return edit("config/mini.yaml", old, new)


def target(old: str, new: str) -> Change:
    """An edit of the target of config/mini.yaml."""
    return edit("config/targets/pocket-mini.yaml", old, new)


def comment(module: str) -> Change:
    """A comment at the end of a module of the library."""

    def change(folder: Path) -> None:
        path = folder / "scripts" / "darkroom" / module
        path.write_text(path.read_text() + "# edited\n")

    return change


def nothing(folder: Path) -> None:
    """No change at all."""


def touch_everything(folder: Path) -> None:
    """New times, in no order, on all that git or a camera gives and on all results."""
    parts = ("scripts", "config", "resources", "workflow", "requirements.lock", "results", ".darkroom")
    paths = [path for part in parts for path in [folder / part, *(folder / part).rglob("*")]]
    random.Random(1).shuffle(paths)
    now = time.time()
    for number, path in enumerate(paths):
        os.utime(path, (now - number, now - number))


def add_photo(folder: Path) -> None:
    """A photo of another folder joins."""
    shutil.copyfile(folder / "resources/toybox/photos/indoors/IMG_0472.jpg", folder / GARDEN / "zz_added.jpg")


def remove_photo(folder: Path) -> None:
    """A photo that was trained on goes."""
    (folder / GARDEN / "IMG_0434.jpg").unlink()


def exchange_photo(folder: Path) -> None:
    """Other bytes under the same name, older than everything."""
    path = folder / GARDEN / "IMG_0434.jpg"
    shutil.copyfile(folder / "resources/toybox/photos/indoors/IMG_0472.jpg", path)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def rename_photo(folder: Path) -> None:
    """Another name for the same bytes."""
    (folder / GARDEN / "IMG_0434.jpg").rename(folder / GARDEN / "my favourite.jpg")


def empty_overrides(folder: Path) -> None:
    """A table of own decisions without a decision."""
    (folder / "mine.csv").write_text("photo,keep,box,caption\n")
    config("shards: 1", "shards: 1\noverrides: mine.csv")(folder)


def correct_caption(folder: Path) -> None:
    """One caption corrected by hand."""
    with (folder / "mine.csv").open("a", newline="") as file:
        csv.writer(file).writerow(["IMG_0434.jpg", "", "", "a toy with a hat on the moon"])


def update_package(folder: Path) -> None:
    """Another version in the lock, of a package that no stage imports."""
    path = folder / "requirements.lock"
    path.write_text(path.read_text() + "# another version of something\n")


def exchange_weights(folder: Path) -> None:
    """Another VAE in the folder of the base model: the same numbers under another header."""
    path = folder / "resources/pocket/sdxl/vae/diffusion_pytorch_model.safetensors"
    save_file(load_file(path), path, {"format": "pt", "note": "exchanged"})


def delete_cache(folder: Path) -> None:
    """The cache gone."""
    shutil.rmtree(folder / ".darkroom" / "cache")


PHOTO = {"survey_photos": 1, "fingerprint_photos": 1, "mask_subjects": 1, "score_quality": 1, "caption_photos": 1}
TRAINED = {"train_lora": 4, "render_samples": 4, "score_checkpoints": 4}

CASES = {
    "again": Case("nothing", nothing, frozenset()),
    "touched": Case(
        "new times on all files, results too: a fresh clone, `touch`, `cp -r`", touch_everything, frozenset(), slow=True
    ),
    "cache": Case(
        "`.darkroom/cache` deleted", delete_cache, frozenset(), note="the next change computes more anew", slow=True
    ),
    "renamed run": Case(
        "a run's label renamed",
        config("training: {batch", "runs: {first: {}}\ntraining: {batch"),
        TRAINING,
        note="its folder has its name; no step, no picture, no score",
        slow=True,
    ),
    "renamed photo": Case(
        "a photo or the photos folder renamed",
        rename_photo,
        FROM_PHOTOS | {"publish_lora"},
        note="photos.csv has its name",
    ),
    "shards": Case("number of `shards`", config("shards: 1", "shards: 3"), FROM_PHOTOS),
    "photo added": Case(
        "a photo added",
        add_photo,
        FROM_PHOTOS | ENCODING | TRAINING,
        PHOTO | {"group_duplicates": 17, "crop_to_buckets": 2, "encode_dataset": 6} | TRAINED,
        note="alignments with its candidates; its frame, latents, mask, caption with and without the trigger; "
        "and a frame that goes to another bucket for a full batch, its latents and mask",
    ),
    "photo removed": Case(
        "a photo removed",
        remove_photo,
        FROM_PHOTOS | ENCODING | TRAINING,
        {"group_duplicates": 5, "crop_to_buckets": 2, "encode_dataset": 4} | TRAINED,
        note="alignments with another kept copy; frames that go to other buckets for full batches",
        slow=True,
    ),
    "photo exchanged": Case(
        "a photo replaced by another, older one",
        exchange_photo,
        FROM_PHOTOS | ENCODING | TRAINING,
        PHOTO
        | {"group_duplicates": 18, "crop_to_buckets": 1, "encode_dataset": 4}
        | {"train_lora": 4, "render_samples": 2, "score_checkpoints": 2},
        note="the first checkpoint had not seen the photo: its pictures are known",
        slow=True,
    ),
    "threshold": Case(
        "a threshold of `selection`, the same photos kept",
        config("min_side: 128", "min_side: 127"),
        TO_DATASET | {"publish_lora"},
        note="the provenance tells the new threshold",
        slow=True,
    ),
    "count": Case(
        "`selection.count`, the same photos kept",
        config("held_out: 0.2", "held_out: 0.2, count: 14"),
        TO_DATASET | {"publish_lora"},
        note="the provenance tells the new count",
        slow=True,
    ),
    "other selection": Case(
        "a threshold of `selection`, other photos kept",
        config("held_out: 0.2", "held_out: 0.2, min_sharpness: 0.38"),
        TO_DATASET | ENCODING | TRAINING,
        {"crop_to_buckets": 2, "encode_dataset": 4} | TRAINED,
        note="two frames that go to another bucket for a full batch",
        slow=True,
    ),
    "caption": Case(
        "one caption corrected in `overrides`",
        correct_caption,
        TO_DATASET | ENCODING | TRAINING,
        {"encode_dataset": 2, "train_lora": 4, "render_samples": 2, "score_checkpoints": 2},
        first=empty_overrides,
        slow=True,
        note="one text, with and without the trigger; the first checkpoint had not seen it",
    ),
    "closer views": Case(
        "`crop.variants` of the target: two closer views of each photo",
        target("max_aspect: 1.7", "max_aspect: 1.7, variants: [full, half]"),
        frozenset({"crop_to_buckets"}) | WRITING | DATASET | ENCODING | TRAINING,
        {"crop_to_buckets": 28, "encode_dataset": 56} | TRAINED | {"score_checkpoints": 10},
        note="their pictures and masks; their captions are those of their photos; likeness also looks at held-out ones",
        slow=True,
    ),
    "resolutions": Case(
        "another resolution of the target: `crop.resolution: [64, 48]` in place of 64",
        target("resolution: 64", "resolution: [64, 48]"),
        frozenset({"crop_to_buckets"}) | WRITING | DATASET | ENCODING | TRAINING,
        {"crop_to_buckets": 14, "encode_dataset": 28} | TRAINED,
        note="a smaller frame of each photo: its picture and mask; captions and the larger frames are known",
        slow=True,
    ),
    "trigger": Case(
        "the trigger",
        config("trigger: mimi_toy", "trigger: other_toy"),
        WRITING | DATASET | ENCODING | BASE | TRAINING,
        {"encode_dataset": 14, "train_lora": 4, "render_base": 2, "render_samples": 4, "score_checkpoints": 6},
        note="the prompts name the trigger, so the base model renders, too",
        slow=True,
    ),
    "rank": Case(
        "`training.rank`, or any other setting of the training but `batch`, `flip` and `text_encoder`",
        config("training: {batch", "training: {rank: 2, batch"),
        TRAINING,
        TRAINED,
        note="`batch` also decides buckets, `flip` and `text_encoder` what is encoded",
        slow=True,
    ),
    "weights": Case(
        "weights of the base model",
        exchange_weights,
        frozenset({"fetch_base_model", "encode_dataset", "render_prior"}) | BASE | TRAINING,
        {"render_prior": 4, "encode_dataset": 63, "train_lora": 4, "render_base": 2, "render_samples": 4},
        note="captions need its tokenizers only, which are locked apart; the numbers in the file are the same here, so "
        "that the pictures, and with them their scores, are known",
        slow=True,
    ),
    "prompts": Case(
        "the prompts of `evaluation`",
        config("{subject} on grass", "{subject} on sand"),
        BASE | EVALUATION | PUBLISHING,
        {"render_base": 2, "render_samples": 4, "score_checkpoints": 7},
        note="pictures, and the prompt's text",
        slow=True,
    ),
    "module of scores": Case(
        "the code of one stage, such as the quality scores",
        comment("framing/quality_scores.py"),
        frozenset({"score_quality", "gather_quality"}) | TO_DATASET,
        {"score_quality": 22},
    ),
    "lock": Case(
        "a package in `requirements.lock` that computes nothing",
        update_package,
        FROM_PHOTOS | TRAINING | BASE | {"render_prior", "encode_dataset"},
        note="a stage whose own packages change computes its part anew",
        slow=True,
    ),
    "module of grid": Case(
        "the code that draws the grid",
        comment("evaluation/sample_grid.py"),
        frozenset({"draw_grid", "publish_lora"}),
    ),
}


HEAD = """\
# What runs again

Each line is a test that runs the real commands (`tests/workflow/test_workflow_reruns.py`) on `config/mini.yaml`, 22
photos of which 14 are used, and counts jobs and what they compute; this page is made from the same cases. A job that
runs and computes nothing takes its results from the cache and costs seconds. Behind the dataset nothing runs where
its manifest stays the same. What Snakemake knows lies in `.snakemake`: results that are moved or copied without it are
laid out anew, from the cache. `snakemake explain` says in words what would run now, and why.

| what you change | what runs | what is computed anew |
|---|---|---|"""


def named(rules: frozenset[str]) -> str:
    """A set of rules in words: whole groups by their name, others one by one."""
    words, left = [], set(rules)
    for name, group in GROUPS.items():
        if group <= rules:
            words.append(name)
            left -= group
    return ", ".join([*words, *(f"`{rule}`" for rule in sorted(left))]) or "nothing"


def table() -> str:
    """docs/what-reruns.md."""
    lines = [HEAD]
    for case in CASES.values():
        counts = ", ".join(f"`{rule}` {count}" for rule, count in case.computed.items()) or "nothing"
        lines.append(f"| {case.change} | {named(case.runs)} | {counts}{f' ({case.note})' if case.note else ''} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(table(), end="")
