"""What all tests share: one thread each, the order in which they run side by side, and walks made once for all."""

import fcntl
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from checkout import Checkout, finished_walk, make_checkout
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Before any test imports a library with threads: one thread for each, so that tests run side by side.
import darkroom  # noqa: F401

# To be told to end is an interrupt: fixtures end what they have started, and the slowest tests are named.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGTERM, signal.default_int_handler)

SLURM, UNIT = "tests/slurm/", "tests/unit/"
# Tests that share what takes long to make: one process runs them all.
TOGETHER = (
    SLURM,
    "tests/unit/captions/test_rewriting_renders.py",
    "tests/workflow/test_workflow_environments.py",
    "tests/workflow/test_workflow_kills.py::test_a_killed_walk_ends_like_an_undisturbed_one",
    "tests/workflow/test_workflow_toybox.py",
)


def _turn(item: pytest.Item) -> int:
    """When a test runs: the cluster's first, which mostly wait; what needs the finished walk when it may be there;
    short ones last, so that all processes end together."""
    if item.nodeid.startswith(SLURM):
        return 0
    if item.nodeid.startswith(UNIT):
        return 3
    return 2 if "finished_mini" in getattr(item, "fixturenames", ()) else 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order of their turns."""
    items.sort(key=_turn)


class _Turns(LoadScopeScheduling):
    """Tests go one by one, in their order, to the process that is free; some go together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Where tests run in several processes: who runs which."""
    config.option.loadscopereorder = False
    return _Turns(config, log)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing has run yet."""
    return make_checkout(tmp_path / "darkroom")


@pytest.fixture(scope="session")
def finished_mini(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which config/mini.yaml has run once. Copy it before you change anything."""
    base = tmp_path_factory.getbasetemp()
    # Where tests run in several processes, the first walks for all of them.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, walked = shared / "mini" / "darkroom", shared / "mini walked"
    with (shared / "mini.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not walked.exists():
            shutil.rmtree(folder, ignore_errors=True)
            finished_walk(folder)
            walked.touch()
    return Checkout(folder)


@pytest.fixture
def mini(finished_mini: Checkout, tmp_path: Path) -> Checkout:
    """A private copy of the finished mini run."""
    return finished_mini.copy(tmp_path / "darkroom")
