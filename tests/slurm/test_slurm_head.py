"""Snakemake itself is killed while its jobs wait in the queue: nothing runs twice, nothing is lost."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import jobs

from darkroom.errors import UserError
from darkroom.runs.slurm_queue import record_run, refuse_beside_queued_jobs

from .cluster import NODES, Cluster, wait_until
from .conftest import ClusterRun, Interruption, Process, end, output

SURVEY = ("--until", "gather_photos", "--rerun-triggers", "mtime")


def tables(run: ClusterRun) -> list[Path]:
    """The tables of the two jobs that these tests are about."""
    return [run.folder / "results" / "mini" / "shards" / "photos" / f"{shard}.csv" for shard in "01"]


@contextlib.contextmanager
def two_waiting_jobs(run: ClusterRun) -> Iterator[Process]:
    """A snakemake whose two jobs wait in the queue, because all nodes are closed until the end of the block."""
    for table in [*tables(run), run.folder / "results" / "mini" / "photos.csv"]:
        table.unlink()
    nodes = f"nodename={','.join(NODES)}"
    run.cluster.ask("scontrol", "update", nodes, "state=drain", "reason=test")
    process = run.start(*SURVEY)
    try:
        wait_until(lambda: len(queue(run)) == 2, "two jobs wait")
        yield process
    finally:
        end(process)
        run.cluster.ask("scontrol", "update", nodes, "state=resume")


def queue(run: ClusterRun) -> list[str]:
    """The names of the jobs in the queue."""
    return run.cluster.ask("squeue", "--noheader", "--format=%j").split()


def test_a_killed_snakemake_is_not_started_beside_its_own_jobs(interrupted: Interruption, tmp_path: Path) -> None:
    run = interrupted.run.copy(tmp_path / "darkroom")
    before = [table.read_text() for table in tables(run)]
    with two_waiting_jobs(run) as process:
        end(process)
        name = queue(run)[0]
        refused = run.snakemake(*SURVEY)
    lines = [line for line in refused.stdout.splitlines() if line.startswith("darkroom: error:")]
    assert (refused.returncode, jobs(refused).total()) == (1, 0)
    assert len(lines) == 1
    assert "2 jobs of a killed run are still in SLURM's queue" in lines[0]
    assert lines[0].endswith(f"wait until they have ended or end them with: scancel --name {name}")
    assert "Traceback" not in refused.stdout
    wait_until(lambda: not queue(run), "the jobs have ended without their snakemake")
    assert [table.read_text() for table in tables(run)] == before
    taken_up = run.snakemake(*SURVEY)
    assert taken_up.returncode == 0, taken_up.stdout
    assert jobs(taken_up) == {"gather_photos": 1}


def test_ctrl_c_takes_the_jobs_out_of_the_queue(interrupted: Interruption, tmp_path: Path) -> None:
    run = interrupted.run.copy(tmp_path / "darkroom")
    with two_waiting_jobs(run) as process:
        wait_until(lambda: output(run.checkout).count("has been submitted") == 2, "snakemake knows of both")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) != 0
        assert queue(run) == []


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
