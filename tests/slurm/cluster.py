"""A real SLURM cluster of two nodes on this machine: plain processes in one folder, all of which end with it."""

import contextlib
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "setpriv")
NODES = ("dark1", "dark2")
CONFIG = """\
ClusterName=darkroom
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A job goes back into the queue once its credential has ended: 120 seconds by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
TmpFS={folder}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
# Longer than the tests last, which ask for ended jobs.
MinJobAge=36000
ReturnToService=2
SlurmdTimeout=60
KillWait=2
# A job that has just come is placed at once, not within three seconds.
SchedulerParameters=sched_interval=2,bf_interval=3,batch_sched_delay=0
SlurmdParameters=config_overrides
GresTypes=gpu
{nodes}
PartitionName=debug Nodes=ALL Default=YES State=UP MaxTime=INFINITE
"""
NODE = "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=40000 Gres=gpu:1"


def missing_programs() -> list[str]:
    """The programs of SLURM and munge that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]


def wait_until(condition: Callable[[], object], what: str, seconds: float = 180) -> None:
    """Return as soon as the condition holds; AssertionError where it does not within the time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} seconds in vain until {what}")
        time.sleep(0.1)


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@dataclass(frozen=True)
class Cluster:
    """A running cluster; everything it owns lies in one folder or carries that folder's SLURM_CONF."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """What a command needs to reach the cluster. In jobs, where the plugin drops SLURM_CONF, `bin` has it."""
        path = f"{self.folder / 'bin'}{os.pathsep}{_path()}"
        return os.environ | {"PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """Run one of SLURM's commands and return what it prints."""
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def is_idle(self) -> bool:
        """Whether all nodes are up and without work."""
        with contextlib.suppress(AssertionError):
            return self.ask("sinfo", "--noheader", "--Node", "--format=%T").split() == ["idle"] * len(NODES)
        return False

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """SLURM's record of every job of a rule, as `scontrol show job` names its fields."""
        records = [
            dict(word.split("=", maxsplit=1) for word in record.split() if "=" in word)
            for record in self.ask("scontrol", "--oneliner", "show", "job").splitlines()
        ]
        return [job for job in records if job.get("Comment", "").startswith(f"rule_{rule}")]

    def processes(self, node: str = "") -> list[psutil.Process]:
        """The processes of the cluster, or those of one node: its slurmd, its job steps and what they run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and self._owns(process, node):
                    found.append(process)
        return found

    def scripts(self, node: str, name: str) -> list[psutil.Process]:
        """The processes of a node that run one of the project's scripts."""
        found = []
        for process in self.processes(node):
            with contextlib.suppress(psutil.Error):
                if any(argument.endswith(f"scripts/{name}") for argument in process.cmdline()):
                    found.append(process)
        return found

    def _owns(self, process: psutil.Process, node: str) -> bool:
        # A job step's keeper overwrites its environment; it listens on a socket in the folder of its node.
        if process.name() == "slurmstepd":
            spool = str(self.folder / f"spool.{node}")
            return any(str(socket.laddr).startswith(spool) for socket in process.net_connections("unix"))
        variables = process.environ()
        mine = variables.get("SLURM_CONF") == str(self.folder / "slurm.conf")
        return mine and node in ("", variables.get("SLURMD_NODENAME"))

    def start(self, name: str, *command: str, **variables: str) -> None:
        """Start a daemon that ends with this process at the latest; its output goes to a log in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment() | variables,
                start_new_session=True,
            )

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        self.start(node, "slurmd", "-D", "-N", node, SLURMD_NODENAME=node)

    def kill(self, node: str = "") -> None:
        """End a node, or the whole cluster, as a power cut would: kill -9 of all its processes at once."""
        for _ in range(50):
            processes = self.processes(node)
            if not processes:
                return
            # All stand still before the first dies, so that none can tell the controller of another's death.
            for end in (psutil.Process.suspend, psutil.Process.kill):
                for process in processes:
                    with contextlib.suppress(psutil.Error):
                        end(process)
            psutil.wait_procs(processes, timeout=1)
        raise AssertionError(f"these processes could not be ended: {processes}")


def _configure(folder: Path) -> None:
    ports = _free_ports(1 + len(NODES))
    nodes = "\n".join(NODE.format(name=name, port=port) for name, port in zip(NODES, ports[1:], strict=True))
    config = CONFIG.format(folder=folder, user=getpass.getuser(), controller_port=ports[0], nodes=nodes)
    (folder / "slurm.conf").write_text(config)
    # A GPU that is only counted: SLURM wants a device file for it.
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    for name in ("state", *(f"spool.{node}" for node in NODES), "bin"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    for program in ("srun", "scontrol", "squeue"):
        wrapper = folder / "bin" / program
        installed = shutil.which(program, path=_path())
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {installed} "$@"\n')
        wrapper.chmod(0o755)


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster in an empty folder; at the end none of its processes is left."""
    folder.chmod(0o755)
    _configure(folder)
    cluster = Cluster(folder)
    files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "seed", "log")]
    try:
        cluster.start("munged", "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
        wait_until((folder / "munge.socket").exists, "munged answers")
        cluster.start("slurmctld", "slurmctld", "-D", "-i")
        for node in NODES:
            cluster.start_node(node)
        wait_until(cluster.is_idle, f"both nodes are idle; see {folder}")
        yield cluster
    finally:
        cluster.kill()
