"""Recognisable latents and embeddings, planted in a dataset, arrive in pairs, however things are named."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_dataset import save_dataset

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
from darkroom.contracts.manifest import Frame, read_manifest
from darkroom.families import sdxl
from darkroom.storage.cache import Cache
from darkroom.storage.tables import write_rows
from darkroom.training.dataset_encoding import Dataset, encode_dataset
from darkroom.training.encodings import Encoding, Encodings, read_encodings
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.picture_encoding import Encoder
from darkroom.training.resume_state import SavingClock

Pairs = set[tuple[int, int]]


def planted_family(received: list[tuple[int, int]]) -> Any:
    """SDXL, but latents tell the picture's red and embeddings the caption's number; notes what comes together."""

    def encode_picture(vae: Any, picture: torch.Tensor) -> torch.Tensor:
        red = (picture[0].mean() + 1) * 127.5
        return red.expand(4, picture.shape[1] // 4, picture.shape[2] // 4).contiguous()

    def encode_text(encoders: Any, text: str) -> dict[str, torch.Tensor]:
        number = float(text.split()[-1]) if text else -1.0
        return {"embeddings": torch.full((24, 40), number), "pooled": torch.full((24,), number)}

    def predict(denoiser: Any, noisy: torch.Tensor, timesteps: Any, text: Any, sizes: Any) -> torch.Tensor:
        if torch.is_grad_enabled() and noisy.device.type != "meta":
            assert torch.equal(text["embeddings"][:, 0, 0], text["pooled"][:, 0])
            reds = noisy.mean(dim=(1, 2, 3)).round().int().tolist()
            received.extend(zip(reds, text["pooled"][:, 0].int().tolist(), strict=True))
        return sdxl.predict(denoiser, noisy, timesteps, text, sizes)

    own = {"encode_picture": encode_picture, "encode_text": encode_text, "predict": predict}
    own |= {"load_vae": lambda *_: None, "load_text_encoders": lambda *_: None}
    own |= {"add_noise": lambda noise_scheduler, latents, noise, timesteps: latents}
    return SimpleNamespace(**(vars(sdxl) | own))


def pairs_received(model: Path, paths: dict[str, Path], frames: list[Frame], work: Path) -> Pairs:
    """Encode the frames, train some steps on them, and return which red came with which caption's number."""
    received: list[tuple[int, int]] = []
    family = planted_family(received)
    dataset = Dataset(frames, paths["images"], paths["masks"])
    encoder = Encoder(family, model, lambda: torch.device("cpu"), {}, Cache(work / "cache"))
    rows, _ = encode_dataset(encoder, dataset, [], None, False, work / "encodings")
    write_rows(work / "encodings.csv", Encoding, rows)
    encodings: Encodings = read_encodings(work / "encodings.csv", work / "encodings")
    settings = TrainingSettings(
        rank=1, alpha=1, steps=6, batch=3, caption_dropout=0, precision="fp32", gradient_checkpointing=False
    )
    compute = ComputeSettings(device="cpu", training_threads=1)
    recipe = Recipe(settings, PriorSettings(), ValidationSettings(timesteps=1), compute)
    train_lora(family, model, encodings, recipe, work / "states", SavingClock())
    return set(received)


def exchange(frames: list[Frame], keys: tuple[str, ...]) -> list[Frame]:
    """The frames where neighbours of one size have changed these values with each other."""
    train = [frame for frame in frames if frame.split == "train" and frame.width == 32]
    partner = {}
    for one, other in list(pairwise(train))[::2]:
        partner |= {one: other, other: one}
    others = {frame: {key: getattr(partner[frame], key) for key in keys} for frame in partner}
    return [replace(frame, **others.get(frame, {})) for frame in frames]


@pytest.fixture
def dataset(tmp_path: Path) -> dict[str, Path]:
    return save_dataset(tmp_path / "dataset")


def test_every_picture_arrives_with_its_own_caption(tiny_model: Path, dataset: dict[str, Path], tmp_path: Path) -> None:
    frames = read_manifest(dataset["manifest"])
    expected = {(40 * number, number) for number in range(4)}
    assert pairs_received(tiny_model, dataset, frames, tmp_path / "a") == expected
    assert pairs_received(tiny_model, dataset, frames[::-1], tmp_path / "b") == expected


def test_exchanged_names_change_no_pair(tiny_model: Path, dataset: dict[str, Path], tmp_path: Path) -> None:
    frames = read_manifest(dataset["manifest"])
    renamed = exchange(frames, ("frame", "photo"))
    for folder in (dataset["images"], dataset["masks"]):
        contents = {frame.picture_sha256: (folder / f"{frame.frame}.png").read_bytes() for frame in frames}
        for frame in renamed:
            (folder / f"{frame.frame}.png").write_bytes(contents[frame.picture_sha256])
    assert renamed != frames
    expected = {(40 * number, number) for number in range(4)}
    assert pairs_received(tiny_model, dataset, renamed, tmp_path / "a") == expected


def test_exchanged_captions_are_exchanged_and_nothing_else(
    tiny_model: Path, dataset: dict[str, Path], tmp_path: Path
) -> None:
    frames = exchange(read_manifest(dataset["manifest"]), ("caption", "untriggered", "caption_sha256"))
    pairs = pairs_received(tiny_model, dataset, frames, tmp_path / "a")
    assert pairs == {(40, 2), (80, 1), (0, 0), (120, 3)}
