"""One cluster for all tests of this folder, and a run on it that captions anew and loses a node on its way."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from checkout import Checkout

from .cluster import NODES, Cluster, missing_programs, running_cluster, wait_until

Process = subprocess.Popen[str]

# Two shards, so that both nodes have work; a caption at a time, so that a node can die between two of them.
PROJECT = ("--configfile", "config/mini.yaml", "--config", "shards=2", "captioner={batch: 1}")
# SLURM is first asked when a small job may have ended: the plugin waits 10 seconds more each time that none has.
# Captioning asks for all cores of a node, so that two shards never share one. A node has two, so no rule may want more.
ARGUMENTS = [
    *("--set-threads", "caption_photos=2", "group_duplicates=2"),
    *("--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "6", "--max-status-checks-per-second", "10", "--latency-wait", "10"),
    *PROJECT,
]


def start(command: list[str], checkout: Checkout, **variables: str) -> Process:
    """Start a command in a checkout; what it prints goes to head.log."""
    with (checkout.folder / "head.log").open("w") as log:
        return subprocess.Popen(
            command,
            cwd=checkout.folder,
            env=checkout.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def end(process: Process) -> None:
    """Kill a command, with all that it started here, where it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def output(checkout: Checkout) -> str:
    """What the latest command that was started in a checkout has printed."""
    return (checkout.folder / "head.log").read_text()


@dataclass(frozen=True)
class ClusterRun:
    """A checkout whose Snakemake sends its jobs to the cluster."""

    cluster: Cluster
    checkout: Checkout

    @property
    def folder(self) -> Path:
        """Where Snakemake runs."""
        return self.checkout.folder

    def start(self, *arguments: str) -> Process:
        """Start Snakemake as a user on the login node would."""
        environment = self.cluster.environment()
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        return start(["snakemake", *ARGUMENTS, *arguments], self.checkout, **environment | {"PATH": path})

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end; its output comes back as text."""
        process = self.start(*arguments)
        try:
            process.wait(timeout=900)
        finally:
            end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout=output(self.checkout), stderr="")

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """SLURM's record of every job of a rule that was sent from this checkout."""
        return [job for job in self.cluster.jobs(rule) if job["WorkDir"] == str(self.folder)]

    def running(self, rule: str, wildcards: str) -> dict[str, str] | None:
        """SLURM's record of this job where it runs now."""
        name = f"{rule}_wildcards_{wildcards}"
        return next((job for job in self.jobs(name) if job["JobState"] == "RUNNING"), None)

    def copy(self, folder: Path) -> "ClusterRun":
        """The same cluster with a copy of the checkout and its results."""
        return ClusterRun(self.cluster, self.checkout.copy(folder))


@dataclass(frozen=True)
class Interruption:
    """The run that lost a node: what it is, the job that ran there, and the captions that were finished by then."""

    run: ClusterRun
    job: dict[str, str]
    captions: dict[Path, tuple[int, int]]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A SLURM cluster of this machine."""
    if missing := missing_programs():
        pytest.skip(
            f"SLURM is not installed (no {', '.join(missing)}): apt-get install slurmctld slurmd slurm-client munge"
        )
    # Short, because the name of a socket has at most 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="darkroom-slurm-", ignore_cleanup_errors=True) as folder,
        running_cluster(Path(folder)) as running,
    ):
        yield running


def stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file below a folder with its inode and time: a file written anew has others."""
    paths = [path for path in folder.rglob("*.json") if not path.name.startswith(".")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def lose_node(run: ClusterRun, process: Process) -> Interruption:
    """Cut the power of the node that captions shard 0, as soon as it has finished some captions.

    Both jobs stand still as soon as their script starts, and only that of shard 0 goes on: so it is known whose
    captions are there. A signal stops them, because SLURM gives the cores of a job that it suspends to another one.
    """
    cache = run.folder / ".darkroom" / "cache" / "captions"
    stopped: dict[str, tuple[dict[str, str], list[psutil.Process]]] = {}

    def both_stand_still() -> bool:
        assert process.poll() is None, f"the run ended before it could be disturbed\n{output(run.checkout)}"
        for shard in sorted(set("01") - set(stopped)):
            job = run.running("caption_photos", shard)
            scripts = run.cluster.scripts(job["NodeList"], "caption_photos.py") if job else []
            if job and scripts:
                for script in scripts:
                    script.suspend()
                stopped[shard] = job, scripts
        return len(stopped) == 2

    wait_until(both_stand_still, "both shards are captioned", seconds=400)
    (job, scripts), (other, other_scripts) = stopped["0"], stopped["1"]
    assert {job["NodeList"], other["NodeList"]} == set(NODES)
    assert not stamps(cache)
    for script in scripts:
        script.resume()
    wait_until(lambda: stamps(cache), "shard 0 has captions")
    run.cluster.kill(job["NodeList"])
    # SLURM notices by itself after SlurmdTimeout; whoever watches the nodes of a cluster tells it earlier.
    run.cluster.ask("scontrol", "update", f"nodename={job['NodeList']}", "state=down", "reason=power")
    captions = stamps(cache)
    for script in other_scripts:
        script.resume()
    return Interruption(run, job, captions)


@pytest.fixture(scope="session")
def interrupted(cluster: Cluster, finished_mini: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Interruption:
    """A run on the cluster in another number of shards, of which one node dies on the way and comes back after it.

    It takes up results of one machine, of which all captions are gone: these alone are computed.
    """
    run = ClusterRun(cluster, finished_mini.copy(tmp_path_factory.mktemp("slurm") / "darkroom"))
    shutil.rmtree(run.folder / "logs")
    shutil.rmtree(run.folder / ".darkroom" / "cache" / "captions")
    process = run.start()
    try:
        interruption = lose_node(run, process)
        assert process.wait(timeout=600) == 0, output(run.checkout)
    finally:
        end(process)
    cluster.start_node(interruption.job["NodeList"])
    wait_until(cluster.is_idle, "the dead node is back")
    return interruption
