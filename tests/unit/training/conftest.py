"""A tiny random SDXL with an encoded dataset, made once."""

from pathlib import Path

import pytest
import torch
from tiny_sdxl import save_dataset, save_tiny_sdxl

from darkroom.cache import Cache
from darkroom.families import sdxl
from darkroom.files import read_json
from darkroom.tables import write_table
from darkroom.training.dataset_encoding import Dataset, encode_dataset
from darkroom.training.encodings import COLUMNS, Encodings, read_encodings
from darkroom.training.picture_encoding import Encoder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sdxl(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tiny_encodings(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Encodings:
    work = tmp_path_factory.mktemp("encodings")
    paths = save_dataset(work / "dataset")
    dataset = Dataset(read_json(paths["manifest"])["frames"], paths["images"], paths["masks"], "mimi")
    encoder = Encoder(sdxl, tiny_model, lambda: torch.device("cpu"), {}, Cache(work / "cache"))
    priors = []
    for number, frame in enumerate(dataset.frames[:4]):
        about = {"picture": f"prior-{number}", "prompt": "a toy", "file": f"{frame['frame']}.png"}
        size = {"width": str(frame["width"]), "height": str(frame["height"]), "sha256": frame["picture_sha256"]}
        priors.append({**about, **size})
    rows, _ = encode_dataset(encoder, dataset, priors, paths["images"], True, work / "encodings")
    write_table(work / "encodings.csv", COLUMNS, rows)
    return read_encodings(work / "encodings.csv", work / "encodings")
