"""train_lora as its rule starts it, and a short training for it."""

import sys
from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
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
    words += ["--model", str(work / "model.json"), "--family", "sdxl", "--settings", settings.to_argument()]
    words += ["--prior", PriorSettings(weight=0.5).to_argument(), "--compute", compute.to_argument()]
    words += ["--validation", ValidationSettings(timesteps=3).to_argument(), "--states", str(work / "states")]
    words += ["--checkpoints", str(work / "checkpoints"), "--log", str(work / "log.csv")]
    words += ["--sums", str(work / "SHA256SUMS"), "--events", str(work / "events")]
    return [*words, "--losses", str(work / "validation.csv"), "--machine", str(work / "machine.json")]
