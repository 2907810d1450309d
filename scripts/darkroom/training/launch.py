"""One training on several processes: a GPU each on one node or on the nodes of a SLURM job, or cores without a GPU.

torch's elastic launcher starts them (it is what `accelerate launch` runs, and unlike that it needs no MPI on CPUs);
accelerate joins them to a group inside the training.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError
from darkroom.jobs.gpu_locks import take_gpus
from darkroom.storage.process_identity import BY_SIGNAL, this_process
from darkroom.training import worker_launcher
from darkroom.training.worker_failures import FAILURES, note, tell

# Set by srun in the process that starts those of its own node.
NODE_LAUNCHER = "DARKROOM_NODE_LAUNCHER"
# Ports that no service has by convention and that no kernel hands out by itself.
FIRST_PORT, PORTS = 20000, 10000
SCRIPTS = Path(__file__).parents[2]


def refuse_other_launchers() -> None:
    """Raise UserError where another launcher has started this process: only `launch` divides one training."""
    if "LOCAL_RANK" in os.environ and FAILURES not in os.environ:
        raise UserError(
            "LOCAL_RANK: another launcher, such as torchrun or accelerate, has started this; start it without one and "
            "set compute.training_processes"
        )


def is_worker() -> bool:
    """Whether this process is one of those that `launch` has started to train together."""
    return "LOCAL_RANK" in os.environ and FAILURES in os.environ


def is_node_launcher() -> bool:
    """Whether this process was started on its node to start those that train there."""
    return NODE_LAUNCHER in os.environ and not is_worker()


def is_first() -> bool:
    """Whether this process is the one that writes: alone, or the first of those that train together."""
    return not is_worker() or os.environ["RANK"] == "0"


def noting_failures(main: Callable[[], None]) -> Callable[[], None]:
    """The body of a script that `launch` runs: in a worker what ends it is noted there, not told by each."""

    def noted() -> None:
        try:
            main()
        except Exception as error:
            if not is_worker():
                raise
            note(error)
            sys.stdout.flush()
            # At once: to leave a group in order, its communication may wait for the others.
            os._exit(1)

    return noted


def launch(script: str, arguments: Sequence[str], compute: ComputeSettings, run_dir: Path) -> None:
    """Run a script as `compute.training_processes` processes, spread evenly over the nodes of the job.

    `run_dir` is a folder that all nodes see. Raises UserError where they cannot be spread evenly or one of them met
    a mistake of the user, and SystemExit with the exit code of those that failed otherwise.
    """
    nodes = job_nodes()
    if compute.training_processes % len(nodes):
        raise UserError(
            f"compute.training_processes: {compute.training_processes} processes cannot be spread evenly over the "
            f"{len(nodes)} nodes of this job; make it a multiple of {len(nodes)}"
        )
    if is_node_launcher():
        # Who has started this on every node tells what is noted on any of them.
        sys.exit(_run_on_this_node(script, arguments, compute, len(nodes), {}))
    failures = run_dir / "failures"
    shutil.rmtree(failures, ignore_errors=True)
    failures.mkdir(parents=True)
    environment = {FAILURES: str(failures.resolve())}
    if len(nodes) > 1:
        first = _record(["show", "node", nodes[0]]).get("NodeAddr", nodes[0])
        command = _on_every_node(len(nodes), [sys.executable, script, *arguments])
        code = _run(command, environment | {NODE_LAUNCHER: first})
    else:
        code = _run_on_this_node(script, arguments, compute, 1, environment)
    tell(failures, code)
    if code != 0:
        sys.exit(code)


def _run_on_this_node(
    script: str, arguments: Sequence[str], compute: ComputeSettings, nodes: int, environment: dict[str, str]
) -> int:
    """Run this node's share of the processes to their end; the exit code."""
    here = compute.training_processes // nodes
    if compute.device == "gpu":
        take_gpus(here)
    launcher = [sys.executable, "-m", worker_launcher.__name__, f"--nproc-per-node={here}"]
    if nodes > 1:
        launcher += [f"--nnodes={nodes}", f"--node-rank={os.environ['SLURM_NODEID']}"]
        launcher += [f"--master-addr={os.environ[NODE_LAUNCHER]}", f"--master-port={_port()}"]
    else:
        launcher.append("--standalone")
    path = os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return _run([*launcher, "--", script, *arguments], environment | {"PYTHONPATH": path})


def job_nodes() -> list[str]:
    """The nodes of the SLURM job that this process is part of, in SLURM's order; one, nameless, outside of SLURM.

    SLURM is asked, because its variables about nodes do not reach a job of Snakemake.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or shutil.which("scontrol") is None:
        return [""]
    names = _record(["show", "job", job]).get("NodeList", "")
    return _said(["scontrol", "show", "hostnames", names]).split() or [""]


def _on_every_node(nodes: int, command: list[str]) -> list[str]:
    """A command run once on each node of this SLURM job, beside the step that this process may be part of."""
    return ["srun", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", *command]


def _record(question: list[str]) -> dict[str, str]:
    """What SLURM says of a job or a node, by key."""
    words = _said(["scontrol", "--oneliner", *question]).split()
    return {key: value for key, _, value in (word.partition("=") for word in words)}


def _port() -> int:
    """A port that jobs on one node do not share."""
    return FIRST_PORT + int(os.environ["SLURM_JOB_ID"]) % PORTS


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end; where this process is a job, what it starts ends with it, even after a kill.

    Returns the exit code, as a shell gives it.
    """
    if "DARKROOM_RUN" in os.environ:
        environment = environment | {"DARKROOM_RUN": this_process()}
    code = subprocess.run(command, check=False, env=os.environ | environment).returncode
    return code if code >= 0 else BY_SIGNAL - code
