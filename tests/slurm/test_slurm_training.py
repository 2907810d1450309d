"""One training on two nodes of the cluster, started by the rule that also trains on one."""

from pathlib import Path

import pytest
from rerun_cases import config

from darkroom.storage.tables import read_table

from .conftest import Interruption

TRAINING = "results/mini/pocket-mini/main/training"


def losses(folder: Path) -> list[float]:
    """The losses of a training, step by step."""
    return [float(row["loss"]) for row in read_table(folder / TRAINING / "log.csv")]


def test_a_training_on_two_nodes_has_the_losses_of_one(interrupted: Interruption, tmp_path: Path) -> None:
    run = interrupted.run.copy(tmp_path / "darkroom")
    alone = losses(run.folder)
    config("training_threads: 1", "training_threads: 1, training_processes: 2")(run.folder)
    nodes = ["nodes=2", "tasks=2", "mpi=srun"]
    done = run.snakemake("--set-resources", *(f"train_lora:{word}" for word in nodes), "--", f"{TRAINING}/log.csv")
    assert done.returncode == 0, done.stdout
    job = run.jobs("train_lora_wildcards_pocket-mini_main")[-1]
    assert (job["NumNodes"], job["JobState"]) == ("2", "COMPLETED")
    assert losses(run.folder) == pytest.approx(alone, rel=1e-4)
    log = (run.folder / "logs/mini/train_lora/pocket-mini/main.log").read_text()
    assert log.count("train_lora: steps 4/4, computed 4") == 1
