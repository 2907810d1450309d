"""Trainings killed by SIGKILL at random moments and started again end with the bytes of one that ran through."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from event_reader import curves, read_events
from tiny_dataset import POCKET

from darkroom.config.training import TrainingSettings
from darkroom.training.encodings import Encodings
from darkroom.training.resume_state import checkpoints_of

TESTS = Path(__file__).parents[2]
STEPS = 12
NEVER = STEPS + 1
SETTINGS = {
    "learning_rate": 2e-3,
    "rank": 4,
    "alpha": 4,
    "steps": STEPS,
    "batch": 3,
    "micro_batch": 1,
    "warmup_steps": 2,
    "checkpoint_every": 6,
    "precision": "fp32",
    "gradient_checkpointing": False,
    "flip": True,
}
# bitsandbytes keeps 8 bits of weights of 4096 numbers and more only.
JOBS: dict[str, dict[str, Any]] = {
    "adamw": {"ema_decay": 0.9, "lr_schedule": "cosine"},
    "adamw8bit": {"ema_decay": 0.9, "lr_schedule": "cosine", "rank": 128},
    "prodigy": {"ema_decay": 0.9, "learning_rate": 1.0},
    "schedulefree": {},
}


def train(settings: TrainingSettings, encodings: Encodings, work: Path, last_step: int, delay: float) -> int:
    """Run the training in a process of its own, killed soon after a step has begun; its exit code."""
    words = [str(POCKET), str(encodings.folder.with_suffix(".csv")), settings.to_argument(), str(work)]
    words = [sys.executable, str(TESTS / "helpers" / "killed_training.py"), *words, str(last_step), str(delay)]
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent / "scripts")}
    return subprocess.run(words, env=environment, check=False, capture_output=True).returncode


@pytest.mark.slow
@pytest.mark.parametrize("job", sorted(JOBS))
def test_killed_five_times_and_resumed_it_ends_with_the_same_bytes(
    job: str, pocket_encodings: Encodings, tmp_path: Path
) -> None:
    settings = TrainingSettings.model_validate(SETTINGS | {"optimizer": job} | JOBS[job])
    assert train(settings, pocket_encodings, tmp_path / "whole", NEVER, 0.0) == 0
    draw = random.Random(job)
    for last_step in sorted(draw.sample(range(2, STEPS), 5)):
        code = train(settings, pocket_encodings, tmp_path / "killed", last_step, draw.uniform(0.0, 0.05))
        assert code == -signal.SIGKILL
    assert train(settings, pocket_encodings, tmp_path / "killed", NEVER, 0.0) == 0
    whole, killed = (checkpoints_of(tmp_path / name) for name in ("whole", "killed"))
    assert [path.name for path in killed] == ["step-000006.safetensors", "step-000012.safetensors"]
    assert [path.read_bytes() for path in whole] == [path.read_bytes() for path in killed]
    for name in ("whole", "killed"):
        assert list(curves(read_events(tmp_path / name / "events"))["training/loss"]) == list(range(1, STEPS + 1))
