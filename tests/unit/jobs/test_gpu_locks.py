"""Two jobs never share a card: real processes, real locks, an nvidia-smi that only prints."""

import os
import select
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.jobs import gpu_locks
from darkroom.jobs.gpu_locks import LOCKS, visible_cards

SCRIPTS = Path(__file__).parents[3] / "scripts"
TAKE = """
import os, sys
from darkroom.jobs import gpu_locks
from darkroom.jobs.log import show_log
show_log()
gpu_locks.RETRY_SECONDS = 0.05
for count in map(int, sys.argv[1:]):
    gpu_locks.take_gpus(count)
print(os.environ.get("CUDA_VISIBLE_DEVICES", ""), flush=True)
sys.stdin.read()
"""
LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aa11)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bb22)
  MIG 3g.20gb     Device  0: (UUID: MIG-cc33)
  MIG 3g.20gb     Device  1: (UUID: MIG-cc44)
GPU 10: NVIDIA H100 80GB HBM3 (UUID: GPU-bb55)
"""


@pytest.mark.parametrize(
    ("visible", "cards"),
    [
        (None, ["GPU-aa11", "MIG-cc33", "MIG-cc44", "GPU-bb55"]),
        ("10,0", ["GPU-bb55", "GPU-aa11"]),
        ("1", ["MIG-cc33", "MIG-cc44"]),
        (" GPU-aa11 , MIG-cc44", ["GPU-aa11", "MIG-cc44"]),
        ("GPU-a,GPU-bb5", ["GPU-aa11", "GPU-bb55"]),
        ("0,GPU-b,10", ["GPU-aa11"]),
        ("0,7,10", ["GPU-aa11"]),
        ("0,0", ["GPU-aa11"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_visible_cards(visible: str | None, cards: list[str]) -> None:
    assert visible_cards(LISTING, visible) == cards


class Machine:
    """A PATH whose nvidia-smi lists these cards, and the jobs that run there."""

    def __init__(self, folder: Path, cards: int) -> None:
        self.cards = [f"GPU-test-{uuid.uuid4()}" for _ in range(cards)]
        self.bin = folder / "bin"
        self.bin.mkdir()
        lines = "".join(f"echo 'GPU {number}: Fake (UUID: {card})'\n" for number, card in enumerate(self.cards))
        (self.bin / "nvidia-smi").write_text(f"#!/bin/sh\n{lines}")
        (self.bin / "nvidia-smi").chmod(0o755)
        self.jobs: list[subprocess.Popen[str]] = []

    def start(self, *counts: int, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if name not in (gpu_locks.VISIBLE, gpu_locks.TAKEN)}
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, "-c", TAKE, *map(str, counts or (1,))]
        job = subprocess.Popen(
            command, env=clean | {"PATH": path, "PYTHONPATH": str(SCRIPTS)} | environment, text=True, **pipes
        )
        self.jobs.append(job)
        return job


def line(pipe: object) -> str:
    return pipe.readline().strip()  # type: ignore[attr-defined]


def seen(job: subprocess.Popen[str]) -> list[str]:
    """The cards a job got; waits until it has them."""
    return [card for card in line(job.stdout).split(",") if card]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, 2)
    yield made
    for job in made.jobs:
        job.kill()
        job.communicate()
    for card in made.cards:
        (LOCKS / f"{card}.lock").unlink(missing_ok=True)


def test_two_jobs_two_cards_and_a_third_waits_for_the_end_of_one(machine: Machine) -> None:
    first, second = machine.start(), machine.start()
    assert sorted(seen(first) + seen(second)) == sorted(machine.cards)
    third = machine.start()
    assert line(third.stderr) == "gpu: other jobs run there, waiting for 1 of the 2 GPUs"
    freed = first
    freed.kill()
    freed.wait()
    [card] = seen(third)
    assert line(third.stderr) == f"gpu: running on {card}"
    still = machine.start()
    assert "waiting" in line(still.stderr)
    second.communicate("")
    [other] = seen(still)
    assert {card, other} == set(machine.cards)


def test_all_or_none_and_children_take_nothing(machine: Machine) -> None:
    one = machine.start(1)
    [card] = seen(one)
    both, again = machine.start(2), machine.start(2)
    assert "waiting for 2 of the 2 GPUs" in line(both.stderr) and "waiting" in line(again.stderr)
    other = machine.start(1)
    assert {card, *seen(other)} == set(machine.cards)
    one.communicate("")
    other.communicate("")
    winner = both if both.stdout in _readable(both, again) else again
    cards = seen(winner)
    assert cards == machine.cards
    child = machine.start(1, **{gpu_locks.TAKEN: ",".join(cards), gpu_locks.VISIBLE: ",".join(cards)})
    assert seen(child) == cards
    winner.kill()
    winner.wait()
    assert seen(again if winner is both else both) == cards


def _readable(*jobs: subprocess.Popen[str]) -> list[object]:
    return select.select([job.stdout for job in jobs], [], [])[0]


def test_taking_twice_is_taking_once(machine: Machine) -> None:
    job = machine.start(1, 1, 2)
    assert len(seen(job)) == 1


def test_only_visible_cards_are_taken(machine: Machine) -> None:
    assert seen(machine.start(CUDA_VISIBLE_DEVICES="1")) == [machine.cards[1]]
    assert seen(machine.start(CUDA_VISIBLE_DEVICES="")) == []
    too_many = machine.start(2, CUDA_VISIBLE_DEVICES="0")
    assert too_many.wait() != 0 and "2 GPUs are asked for and 1 can be seen" in too_many.communicate()[1]


def test_without_a_driver_nothing_happens(machine: Machine) -> None:
    (machine.bin / "nvidia-smi").write_text("#!/bin/sh\necho failed\nexit 9\n")
    job = machine.start(3)
    assert seen(job) == []
    assert job.communicate("")[1] == ""


def test_locks_are_for_every_user_and_follow_no_link(machine: Machine, tmp_path: Path) -> None:
    job = machine.start()
    [card] = seen(job)
    assert stat.S_IMODE(LOCKS.stat().st_mode) == 0o1777
    assert stat.S_IMODE((LOCKS / f"{card}.lock").stat().st_mode) == 0o644
    victim = tmp_path / "victim"
    (LOCKS / f"{machine.cards[1]}.lock").symlink_to(victim)
    fooled = machine.start()
    assert fooled.wait() != 0 and "the locks of the GPUs cannot be used" in fooled.communicate()[1]
    assert not victim.exists()
