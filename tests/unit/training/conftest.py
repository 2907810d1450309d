"""A tiny random SDXL with an encoded dataset, made once."""

from pathlib import Path

import pytest
from tiny_dataset import POCKET, encode_tiny_dataset
from tiny_sdxl import save_tiny_sdxl

from darkroom.families import sdxl
from darkroom.training.encodings import Encodings


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sdxl(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tiny_encodings(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Encodings:
    return encode_tiny_dataset(sdxl, tiny_model, tmp_path_factory.mktemp("encodings"))


@pytest.fixture(scope="session")
def pocket_encodings(tmp_path_factory: pytest.TempPathFactory) -> Encodings:
    """A dataset of the sizes of config/mini.yaml, encoded by the pocket SDXL."""
    return encode_tiny_dataset(sdxl, POCKET, tmp_path_factory.mktemp("pocket"), sizes=((80, 48), (64, 64)), tokens=True)
