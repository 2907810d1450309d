"""A job with `compute: {device: gpu}` asks for one GPU, and two of them never share one."""

from pathlib import Path

import torch

from .cluster import NODES
from .conftest import Interruption


def test_gpu_jobs_take_turns_on_the_gpu_of_a_node(interrupted: Interruption, tmp_path: Path) -> None:
    run = interrupted.run.copy(tmp_path / "darkroom")
    before = {job["JobId"] for job in run.cluster.jobs()}
    run.cluster.ask("scontrol", "update", f"nodename={NODES[1]}", "state=drain", "reason=test")
    try:
        done = run.snakemake(
            *("compute={device: gpu}", "--forcerun", "caption_photos", "--until", "caption_photos"),
            *("--rerun-triggers", "mtime", "--keep-going", "--set-threads", "caption_photos=1"),
        )
    finally:
        run.cluster.ask("scontrol", "update", f"nodename={NODES[1]}", "state=resume")
    records = [job for job in run.cluster.jobs() if job["JobId"] not in before]
    assert sorted(job["Comment"] for job in records) == [f"rule_caption_photos_wildcards_{shard}" for shard in "01"]
    assert [job["TresPerJob"] for job in records] == ["gres:gpu:1"] * 2
    assert {job["NodeList"] for job in records} == {NODES[0]}
    first, second = sorted(records, key=lambda job: job["StartTime"])
    assert first["EndTime"] <= second["StartTime"]
    assert first["SubmitTime"] < second["StartTime"]
    if not torch.cuda.is_available():
        assert done.returncode == 1
        for shard, job in zip("01", sorted(records, key=lambda job: job["Comment"]), strict=True):
            log = (run.folder / "logs" / "mini" / "caption_photos" / f"{shard}.log").read_text()
            assert log.startswith("darkroom: error: compute.device: gpu is asked for, but torch finds no GPU")
            assert len(log.splitlines()) == 1
            assert (run.folder / "logs/slurm/rule_caption_photos" / shard / f"{job['JobId']}.log").exists()
            assert log.strip() in done.stdout
