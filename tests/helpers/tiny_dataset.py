"""A dataset of colours and its encodings by any family's tiny model: for tests only."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, Recipe, TrainingSettings, ValidationSettings
from darkroom.contracts.manifest import Frame, manifest_json, read_manifest
from darkroom.contracts.rendered_tables import PriorPicture
from darkroom.families.base import ModelFamily
from darkroom.storage.cache import Cache
from darkroom.storage.files import write_json
from darkroom.storage.tables import write_rows
from darkroom.training.dataset_encoding import Dataset, encode_dataset
from darkroom.training.encodings import Encoding, Encodings, read_encodings
from darkroom.training.picture_encoding import Encoder

POCKET = Path(__file__).parents[2] / "resources" / "pocket" / "sdxl"
SIZES = ((48, 24), (32, 32))
# What most tests train on it with, and all that noising asks of a noise scheduler.
SETTINGS = TrainingSettings(
    learning_rate=3e-3,
    rank=4,
    alpha=4,
    layers="attention",
    steps=10,
    batch=3,
    checkpoint_every=5,
    precision="fp32",
    gradient_checkpointing=False,
    flip=True,
    caption_dropout=0.2,
)
NOISE_SCHEDULER = SimpleNamespace(config=SimpleNamespace(num_train_timesteps=1000))


def save_dataset(
    folder: Path, frames: int = 6, held_out: int = 2, sizes: tuple[tuple[int, int], ...] = SIZES
) -> dict[str, Path]:
    """Write manifest, images and masks of frames that differ in colour, in two buckets of these widths and heights."""
    rows: list[Frame] = []
    for number in range(frames):
        name = hashlib.sha256(str(number).encode()).hexdigest()[:16]
        size = sizes[1] if number % 3 else sizes[0]
        picture, mask = folder / "images" / f"{name}.png", folder / "masks" / f"{name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (40 * number, 200 - 30 * number, 90)).save(picture)
        white = Image.new("L", size, 0)
        white.paste(255, (8, 8, 20, 20))
        white.save(mask)
        caption = f"mimi toy {number}"
        rows.append(
            Frame(
                frame=name,
                photo=name,
                photo_sha256=name * 4,
                split="held_out" if number >= frames - held_out else "train",
                width=size[0],
                height=size[1],
                original_width=size[0],
                original_height=size[1],
                crop_left=0,
                crop_top=0,
                caption=caption,
                untriggered=f"toy {number}",
                picture_sha256=hashlib.sha256(picture.read_bytes()).hexdigest(),
                mask_sha256=hashlib.sha256(mask.read_bytes()).hexdigest(),
                caption_sha256=hashlib.sha256(caption.encode()).hexdigest(),
            )
        )
    manifest = folder / "manifest.json"
    write_json(manifest, manifest_json(rows))
    return {"manifest": manifest, "images": folder / "images", "masks": folder / "masks"}


def encode_tiny_dataset(
    family: ModelFamily, model: Path, work: Path, sizes: tuple[tuple[int, int], ...] = SIZES, tokens: bool = False
) -> Encodings:
    """The encodings of `save_dataset`, mirrored frames and four prior pictures included, with tokens if wanted."""
    paths = save_dataset(work / "dataset", sizes=sizes)
    dataset = Dataset(read_manifest(paths["manifest"]), paths["images"], paths["masks"])
    encoder = Encoder(family, model, lambda: torch.device("cpu"), {}, Cache(work / "cache"))
    priors = []
    for number, frame in enumerate(dataset.frames[:4]):
        file, size = f"{frame.frame}.png", (frame.width, frame.height)
        priors.append(PriorPicture(f"prior-{number}", "a toy", number, *size, file, frame.picture_sha256))
    rows, _ = encode_dataset(encoder, dataset, priors, paths["images"], True, work / "encodings", tokens)
    write_rows(work / "encodings.csv", Encoding, rows)
    return read_encodings(work / "encodings.csv", work / "encodings")


def recipe(**changes: Any) -> Recipe:
    """A short training of the tiny dataset."""
    return Recipe(
        SETTINGS.model_copy(update=changes),
        PriorSettings(weight=0.5),
        ValidationSettings(timesteps=3),
        ComputeSettings(device="cpu", training_threads=1),
    )
