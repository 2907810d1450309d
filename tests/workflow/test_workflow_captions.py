"""What stops before the training, and stays to be looked at; and captions that a model may polish."""

import csv
from pathlib import Path

from checkout import Checkout, jobs
from rerun_cases import empty_overrides, target
from tiny_polisher import save_tiny_polisher

from darkroom.storage.tables import read_table

MINI = ("--configfile", "config/mini.yaml")


def test_an_error_of_the_audit_stops_before_training_and_its_page_stays(mini: Checkout) -> None:
    empty_overrides(mini.folder)
    with (mini.folder / "mine.csv").open("a", newline="") as file:
        csv.writer(file).writerow(["IMG_0434.jpg", "", "", "<mimi_toy> beside Mimi_toy & $(touch hacked)\nat `noon`"])
    # The trigger among the tags before it: each caption of the captioner has it twice.
    target("{style: tags}", "{style: tags, prefix: [mimi_toy]}")(mini.folder)
    done = mini.snakemake(*MINI, check=False)
    assert done.returncode == 1
    assert set(jobs(done)).isdisjoint({"export_dataset", "encode_dataset", "train_lora"})
    results = mini.folder / "results/mini/pocket-mini"
    errors = [row for row in read_table(results / "audit.csv") if row["level"] == "error"]
    assert [row["finding"] for row in errors] == ["trigger more than once"]
    log = (mini.folder / "logs/mini/assemble_dataset/pocket-mini.log").read_text().splitlines()
    assert len(log) == 1
    first = f"{errors[0]['frames'].split()[0]} of {errors[0]['files'].split(' / ')[0]}"
    assert f"trigger more than once (frames {first}, " in log[0] and "; see captions.html" in log[0]
    page = (results / "captions.html").read_text()
    assert "&lt;mimi_toy&gt; beside the toy &amp; $(touch hacked) at `noon`" in page
    assert not list(mini.folder.rglob("hacked"))


def add_polished_target(folder: Path) -> str:
    """A target like pocket-mini whose captions are polished; the argument that takes it in place of the others."""
    text = (folder / "config" / "targets" / "pocket-mini.yaml").read_text()
    assert "{style: tags}" in text
    (folder / "polished.yaml").write_text(text.replace("{style: tags}", "{style: sentence, polish: polisher}"))
    return "targets=[polished.yaml]"


def test_a_polished_target_fetches_its_model_and_asks_for_a_gpu(checkout: Checkout) -> None:
    (checkout.folder / "polisher").mkdir()
    polished = add_polished_target(checkout.folder)
    planned = checkout.snakemake("-n", *MINI, "--config", polished, "compute={device: gpu}").stdout
    rule = planned.partition("rule rewrite_captions:")[2].partition("\n\n")[0]
    assert "results/mini/models/polished.polisher.json" in rule and "gpu=1" in rule
    rule = checkout.snakemake("-n", *MINI, "--config", "compute={device: gpu}").stdout
    rule = rule.partition("rule rewrite_captions:")[2].partition("\n\n")[0]
    assert ".polisher.json" not in rule and "gpu=1" not in rule


def test_a_missing_polisher_is_one_clear_line(checkout: Checkout) -> None:
    done = checkout.snakemake("-n", *MINI, "--config", add_polished_target(checkout.folder), check=False)
    assert done.returncode == 1
    assert "targets/polished: captions.polish: there is no model at polisher; give a folder" in done.stderr


def test_what_a_polisher_says_is_remembered_whatever_the_trigger(mini: Checkout) -> None:
    save_tiny_polisher(mini.folder / "polisher", "a toy on grass")
    run = (*MINI, "--config", add_polished_target(mini.folder))
    table = "results/mini/polished/captions.csv"
    assert jobs(mini.snakemake(*run, "--", table)) == {"fetch_model": 2, "crop_to_buckets": 1, "rewrite_captions": 1}
    rows = read_table(mini.folder / table)
    asked = [row["caption"] for row in rows if row["source"] == "captioner"]
    assert {(row["source"], row["polished"]) for row in rows} == {("captioner", "no"), ("sidecar", "")}
    assert mini.computed("mini", "rewrite_captions") == len(set(asked))
    log = (mini.folder / "logs/mini/rewrite_captions/polished.log").read_text()
    assert f"polished 0/{len(asked)} (not: " in log
    subject = "subject={trigger: other_toy, class: toy, kind: object}"
    assert jobs(mini.snakemake(*run, subject, "--", table)) == {"rewrite_captions": 1}
    assert [row["caption"].replace("other_toy", "mimi_toy") for row in read_table(mini.folder / table)] == [
        row["caption"] for row in rows
    ]
    assert mini.computed("mini", "rewrite_captions") == 0
