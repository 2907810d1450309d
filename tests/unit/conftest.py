"""Fixtures of several packages' tests. What loads torch is imported when a test asks for it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs_and_sleepers import SLEEPER

from darkroom.jobs.log import show_log
from darkroom.training.encodings import Encodings


@pytest.fixture(scope="session", autouse=True)
def _shown_log() -> None:
    """What the library logs is on stderr, as in every script."""
    show_log()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, to be killed."""
    process = subprocess.Popen(SLEEPER)
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model by its name in TINY_MODELS, made once."""
    from tiny_models import TINY_MODELS

    made: dict[str, Path] = {}

    def model(name: str) -> Path:
        if name not in made:
            made[name] = TINY_MODELS[name][1](tmp_path_factory.mktemp(name))
        return made[name]

    return model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random SDXL."""
    from tiny_sdxl import save_tiny_sdxl

    return save_tiny_sdxl(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tiny_encodings(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Encodings:
    """A dataset encoded by the tiny SDXL."""
    from tiny_dataset import encode_tiny_dataset

    from darkroom.families import sdxl

    return encode_tiny_dataset(sdxl, tiny_model, tmp_path_factory.mktemp("encodings"))


@pytest.fixture(scope="session")
def pocket_encodings(tmp_path_factory: pytest.TempPathFactory) -> Encodings:
    """A dataset of the sizes of config/mini.yaml, encoded by the pocket SDXL."""
    from tiny_dataset import POCKET, encode_tiny_dataset

    from darkroom.families import sdxl

    return encode_tiny_dataset(sdxl, POCKET, tmp_path_factory.mktemp("pocket"), sizes=((80, 48), (64, 64)), tokens=True)
