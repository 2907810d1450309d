"""What all tests share: one thread each, the order in which they run side by side, and walks made once for all."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from checkout import Checkout, finished_walk, make_checkout
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Before any test imports a library that reads them. Tests run side by side and their jobs inherit it: threads of one
# that wait for each other would take the cores of the others.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

SLURM, UNIT = "tests/slurm/", "tests/unit/"
# Their tests share a fixture that takes long: one process runs them all.
TOGETHER = ("kills", "renders", "toybox", "environments")


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
        file = nodeid.partition("::")[0]
        if nodeid.startswith(SLURM):
            return SLURM
        return file if file.removesuffix(".py").endswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Where tests run in several processes: who runs which."""
    config.option.loadscopereorder = False
    return _Turns(config, log)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """A function that returns a folder by its name; the first of the tests' processes that asks makes it for all."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder_of(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = shared / name / "darkroom", shared / f"{name} made"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                made.touch()
        return folder

    return folder_of


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing has run yet."""
    return make_checkout(tmp_path / "darkroom")


@pytest.fixture(scope="session")
def finished_mini(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Checkout:
    """A checkout in which config/mini.yaml has run once. Copy it before you change anything."""
    return Checkout(made_once("mini", finished_walk))


@pytest.fixture
def mini(finished_mini: Checkout, tmp_path: Path) -> Checkout:
    """A private copy of the finished mini run."""
    return finished_mini.copy(tmp_path / "darkroom")
