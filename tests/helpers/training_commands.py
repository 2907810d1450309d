"""train_lora as its rule starts it, and a short training for it."""

import sys
from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, Recipe, TrainingSettings, ValidationSettings
from darkroom.models.fetch import lock_local
from darkroom.storage.files import write_json
from darkroom.training.encodings import Encodings

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_lora.py"
SETTINGS = TrainingSettings(
    learning_rate=3e-3,
    rank=4,
    alpha=4,
    steps=6,
    batch=3,
    checkpoint_every=3,
    precision="fp32",
    gradient_checkpointing=False,
)


def command(model: Path, encodings: Encodings, processes: int, work: Path, settings: TrainingSettings) -> list[str]:
    """train_lora as its rule starts it."""
    write_json(work / "model.json", lock_local(str(model)).to_json())
    compute = ComputeSettings(device="cpu", training_threads=1, training_processes=processes)
    words = [sys.executable, str(SCRIPT), "--encodings", str(encodings.folder.with_suffix(".csv"))]
    recipe = Recipe(settings, PriorSettings(weight=0.5), ValidationSettings(timesteps=3), compute)
    words += ["--model", str(work / "model.json"), "--family", "sdxl", "--recipe", recipe.to_argument()]
    return [*words, "--states", str(work / "states"), "--output", str(work)]
