"""Train, saving the state after every step, and die by SIGKILL soon after a step has begun: for tests only."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from darkroom.config.base import ComputeSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
from darkroom.families import sdxl
from darkroom.training import lora_recipe
from darkroom.training.encodings import read_encodings
from darkroom.training.event_file import EventFile
from darkroom.training.lora_recipe import Recipe, learning_rate_at, train_lora
from darkroom.training.resume_state import SavingClock


def main() -> None:
    model, table, settings, work, last_step, delay = sys.argv[1:]

    def dying(step: int, *others: Any) -> float:
        if step == int(last_step):
            threading.Timer(float(delay), os.kill, (os.getpid(), signal.SIGKILL)).start()
        return learning_rate_at(step, *others)

    lora_recipe.learning_rate_at = dying
    recipe = Recipe(
        TrainingSettings.from_argument(settings),
        PriorSettings(weight=0.5),
        ValidationSettings(timesteps=2),
        ComputeSettings(device="cpu", training_threads=1),
    )
    encodings = read_encodings(Path(table), Path(table).with_suffix(""))
    train_lora(sdxl, Path(model), encodings, recipe, Path(work), SavingClock(0.0), EventFile(Path(work) / "events"))


main()
