"""Tiny models of every family, made once, with the training room's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import TINY_MODELS


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model by its name in TINY_MODELS."""
    made: dict[str, Path] = {}

    def model(name: str) -> Path:
        if name not in made:
            made[name] = TINY_MODELS[name][1](tmp_path_factory.mktemp(name))
        return made[name]

    return model
