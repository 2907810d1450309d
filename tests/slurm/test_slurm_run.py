"""A run on the cluster, through which a node dies, leaves what an undisturbed run on one machine leaves."""

from conftest import Checkout, jobs
from results_bytes import final_bytes

from darkroom.tables import read_table

from .conftest import Interruption, output, stamps

LOCAL_RULES = {"fetch_model", "assemble_dataset", "choose_checkpoint", "compare_runs"}


def test_the_bytes_are_those_of_a_local_run(interrupted: Interruption, local: Checkout) -> None:
    assert final_bytes(interrupted.run.checkout, "mini") == final_bytes(local, "mini")


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
    ran = jobs(interrupted.finished)
    submitted = {job["Comment"] for job in interrupted.run.jobs()}
    assert ran["caption_photos"] == ran["mask_subjects"] == 2
    for rule in ran:
        local = rule in LOCAL_RULES or rule.startswith("gather_")
        assert any(comment.startswith(f"rule_{rule}") for comment in submitted) != local, rule


def test_logs_are_where_the_manual_says(interrupted: Interruption) -> None:
    logs = interrupted.run.folder / "logs"
    assert "captions used" in (logs / "mini" / "caption_photos" / "0.log").read_text()
    assert (logs / "mini" / "train_lora" / "pocket-mini" / "main.log").exists()
    assert not list((logs / "slurm").rglob("*.log"))
