"""Snakemake itself is killed while its jobs wait in the queue: nothing runs twice, nothing is lost."""

import os
import signal
from pathlib import Path

import pytest
from conftest import jobs

from darkroom.errors import UserError
from darkroom.slurm_queue import record_run, refuse_beside_queued_jobs

from .cluster import NODES, Cluster, wait_until
from .conftest import QUICK, Interruption

SURVEY = ("--until", "gather_photos", "--rerun-triggers", "mtime", *QUICK)


def test_a_killed_snakemake_is_not_started_beside_its_own_jobs(interrupted: Interruption, tmp_path: Path) -> None:
    run = interrupted.run.copy(tmp_path / "darkroom")
    tables = [run.folder / "results" / "mini" / "shards" / "photos" / f"{shard}.csv" for shard in "01"]
    before = [table.read_text() for table in tables]
    for table in tables:
        table.unlink()
    nodes = f"nodename={','.join(NODES)}"
    run.cluster.ask("scontrol", "update", nodes, "state=drain", "reason=test")
    try:
        process = run.start(*SURVEY)
        wait_until(lambda: len(run.cluster.ask("squeue", "--noheader").split("\n")) == 3, "two jobs wait")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        name = run.cluster.ask("squeue", "--noheader", "--format=%j").split()[0]
        refused = run.snakemake(*SURVEY)
    finally:
        run.cluster.ask("scontrol", "update", nodes, "state=resume")
    lines = [line for line in refused.stdout.splitlines() if line.startswith("darkroom: error:")]
    assert (refused.returncode, jobs(refused).total()) == (1, 0)
    assert len(lines) == 1
    assert "2 jobs of a killed run are still in SLURM's queue" in lines[0]
    assert lines[0].endswith(f"wait until they have ended or end them with: scancel --name {name}")
    assert "Traceback" not in refused.stdout
    wait_until(lambda: not run.cluster.ask("squeue", "--noheader"), "the jobs have ended without their snakemake")
    assert [table.read_text() for table in tables] == before
    taken_up = run.snakemake(*SURVEY)
    assert taken_up.returncode == 0, taken_up.stdout
    assert jobs(taken_up)["survey_photos"] == 0


def test_a_queue_that_does_not_answer_is_one_clear_line(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, log = tmp_path / "mini.slurm", tmp_path / "snakemake.log"
    refuse_beside_queued_jobs(record)
    log.write_text("Building DAG of jobs...\nSLURM run ID: darkroom_1-2-3\nUsing shell: /bin/bash\n")
    record_run(record, [str(log)])
    assert record.read_text() == "darkroom_1-2-3\n"
    monkeypatch.setenv("SLURM_CONF", str(cluster.folder / "slurm.conf"))
    refuse_beside_queued_jobs(record)
    (tmp_path / "slurm.conf").write_text("nonsense\n")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    with pytest.raises(UserError, match=r"squeue does not answer: .*; start again when SLURM is back"):
        refuse_beside_queued_jobs(record)
