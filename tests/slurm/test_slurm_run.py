"""What runs on the cluster, also where a node dies on the way, leaves what a run on one machine leaves."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout, started
from results_bytes import final_bytes

from darkroom.storage.tables import read_table

from .cluster import Cluster
from .conftest import ClusterRun, Interruption, output, stamps

LOCAL_RULES = {"fetch_model", "fetch_base_model", "assemble_dataset", "choose_checkpoint", "compare_runs"}
RECORD = "pocket-mini/main/lora/provenance.json"


def without_batch(checkout: Checkout) -> dict[str, Any]:
    """The provenance but the captioner's batch, in which the runs of these tests differ from those of others."""
    record = json.loads((checkout.folder / "results" / "mini" / RECORD).read_text())
    del record["settings"]["config"]["captioner"]["batch"]
    return record


def assert_same_results(one: Checkout, other: Checkout) -> None:
    """Every byte of two runs is the same, their records but for the captioner's batch."""
    first, second = final_bytes(one, "mini"), final_bytes(other, "mini")
    assert {name for name in first | second if first.get(name) != second.get(name)} == {RECORD}
    assert without_batch(one) == without_batch(other)


def assert_submitted(run: ClusterRun, ran: Counter[str]) -> None:
    """Stages ran on the cluster, and merging where Snakemake runs."""
    submitted = {job["Comment"] for job in run.jobs()}
    for rule in ran:
        local = rule in LOCAL_RULES or rule.startswith("gather_")
        assert any(comment.startswith(f"rule_{rule}") for comment in submitted) != local, rule


def test_the_bytes_are_those_of_a_local_run(interrupted: Interruption, finished_mini: Checkout) -> None:
    assert_same_results(interrupted.run.checkout, finished_mini)


def test_the_job_of_the_dead_node_went_back_into_the_queue(interrupted: Interruption) -> None:
    records = interrupted.run.jobs("caption_photos_wildcards_0")
    again = next(job for job in records if job["JobId"] == interrupted.job["JobId"])
    assert len(records) == 1
    assert (again["Restarts"], again["JobState"]) == ("1", "COMPLETED")
    assert again["NodeList"] != interrupted.job["NodeList"]
    assert "Error in rule" not in output(interrupted.run.checkout)


def test_finished_captions_are_not_made_again(interrupted: Interruption) -> None:
    folder = interrupted.run.folder
    after = stamps(folder / ".darkroom" / "cache" / "captions")
    assert {path: after.get(path) for path in interrupted.captions} == interrupted.captions
    captions = read_table(folder / "results" / "mini" / "captions.csv")
    assert 0 < len(interrupted.captions) < len(captions) == len(after)
    assert interrupted.run.checkout.computed("mini", "caption_photos") == len(captions) - len(interrupted.captions)


def test_stages_run_on_the_cluster_and_merging_where_snakemake_runs(interrupted: Interruption) -> None:
    ran = started(output(interrupted.run.checkout))
    assert ran["caption_photos"] == ran["mask_subjects"] == 2
    assert_submitted(interrupted.run, ran)


def test_logs_are_where_the_manual_says(interrupted: Interruption) -> None:
    logs = interrupted.run.folder / "logs"
    assert "captions used" in (logs / "mini" / "caption_photos" / "0.log").read_text()
    assert (logs / "mini" / "rewrite_captions" / "pocket-mini.log").exists()
    assert not list((logs / "slurm").rglob("*.log"))


@pytest.mark.slow
def test_the_whole_walk_runs_on_the_cluster(cluster: Cluster, finished_mini: Checkout, tmp_path: Path) -> None:
    run = ClusterRun(cluster, make_checkout(tmp_path / "darkroom"))
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    assert_same_results(run.checkout, finished_mini)
    ran = started(done.stdout)
    assert ran["train_lora"] == ran["render_base"] == ran["publish_lora"] == 1
    assert ran["render_samples"] == 2
    assert_submitted(run, ran)
    assert (run.folder / "logs" / "mini" / "train_lora" / "pocket-mini" / "main.log").exists()
