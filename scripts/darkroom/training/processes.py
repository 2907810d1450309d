"""One training on several processes: a GPU each on one node or on the nodes of a SLURM job, or cores without a GPU.

torch's elastic launcher starts them (it is what `accelerate launch` runs, and unlike that it needs no MPI on CPUs);
accelerate joins them to a group inside the training.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from darkroom.errors import UserError
from darkroom.settings import ComputeSettings

Item = TypeVar("Item")
Result = TypeVar("Result")
# Set by srun in the process that starts those of its own node.
NODE_LAUNCHER = "DARKROOM_NODE_LAUNCHER"
# Ports that no service has by convention and that no kernel hands out by itself.
FIRST_PORT, PORTS = 20000, 10000


def is_worker() -> bool:
    """Whether this process is one of those that were started to train together."""
    return "LOCAL_RANK" in os.environ


def is_first() -> bool:
    """Whether this process is the one that writes: alone, or the first of those that train together."""
    return os.environ.get("RANK", "0") == "0"


def launch(script: str, arguments: Sequence[str], compute: ComputeSettings) -> None:
    """Run a script as `compute.training_processes` processes, spread evenly over the nodes of the job.

    Raises UserError where they cannot be spread evenly, and SystemExit with the exit code of those that failed.
    """
    nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", "1"))
    if compute.training_processes % nodes:
        raise UserError(
            f"compute.training_processes: {compute.training_processes} processes cannot be spread evenly over the "
            f"{nodes} nodes of this job; make it a multiple of {nodes}"
        )
    if nodes > 1 and NODE_LAUNCHER not in os.environ:
        _run(_on_every_node(nodes, [sys.executable, script, *arguments]), {NODE_LAUNCHER: _first_node_address()})
        return
    here = compute.training_processes // nodes
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={here}"]
    if nodes > 1:
        torchrun += [f"--nnodes={nodes}", f"--node-rank={os.environ['SLURM_NODEID']}"]
        torchrun += [f"--master-addr={os.environ[NODE_LAUNCHER]}", f"--master-port={_port()}"]
    else:
        torchrun.append("--standalone")
    _run([*torchrun, "--", script, *arguments], {"OMP_NUM_THREADS": str(compute.training_threads)})


def _on_every_node(nodes: int, command: list[str]) -> list[str]:
    """A command run once on each node of this SLURM job, inside the step that this process is part of."""
    return ["srun", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", *command]


def _first_node_address() -> str:
    """The address of the node that has SLURM_NODEID 0."""
    names = _said(["scontrol", "show", "hostnames", os.environ["SLURM_JOB_NODELIST"]]).split()
    about = _said(["scontrol", "--oneliner", "show", "node", names[0]]).split()
    return dict(word.partition("=")[::2] for word in about).get("NodeAddr", names[0])


def _port() -> int:
    """A port that jobs on one node do not share."""
    return FIRST_PORT + int(os.environ["SLURM_JOB_ID"]) % PORTS


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _run(command: list[str], environment: dict[str, str]) -> None:
    code = subprocess.run(command, check=False, env=os.environ | environment).returncode
    if code != 0:
        sys.exit(code if code > 0 else 1)


def spread(accelerator: Any, items: Sequence[Item], compute: Callable[[Item], Result]) -> list[Result]:
    """`compute` of every item, the items divided among the processes; each process gets all results, in their order."""
    from accelerate.utils import gather_object

    count = accelerator.num_processes
    own = [compute(item) for item in items[accelerator.process_index :: count]]
    parts = gather_object([own]) if count > 1 else [own]
    return [parts[place % count][place // count] for place in range(len(items))]


def all_of(accelerator: Any, own: list[Item]) -> list[Item]:
    """The lists of all processes, joined in their order."""
    from accelerate.utils import gather_object

    return gather_object(own) if accelerator.num_processes > 1 else own


def sum_gradients(accelerator: Any, weights: Sequence[Any]) -> None:
    """Put the sum over all processes into the gradient of every weight; a process without samples adds nothing."""
    import torch

    if accelerator.num_processes == 1:
        return
    for weight in weights:
        own = torch.zeros_like(weight) if weight.grad is None else weight.grad
        weight.grad = accelerator.reduce(own, "sum")
