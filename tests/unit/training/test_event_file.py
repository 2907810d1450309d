"""Curves for TensorBoard: every step once, whatever a training went through, and no byte of it changed by them."""

import platform
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from event_reader import curves, read_events
from table_rows import logged_step, validation
from tensorboardX.proto.event_pb2 import SessionLog
from tiny_dataset import recipe

from darkroom.contracts.checkpoint_files import checkpoint_file
from darkroom.contracts.training_tables import Validation
from darkroom.families import sdxl
from darkroom.storage.tables import columns_of
from darkroom.training import event_file, lora_recipe
from darkroom.training.encodings import Encodings
from darkroom.training.event_file import EventFile
from darkroom.training.lora_recipe import train_lora
from darkroom.training.resume_state import SavingClock, TrainingState


def expected(done: TrainingState) -> dict[str, dict[int, Any]]:
    rows = {"training": done.log, "validation": done.validation}
    names = {"training": ("loss", "prior_loss", "lr", "grad_norm"), "validation": columns_of(Validation)[1:5]}
    return {
        f"{group}/{name}": {
            row.step: pytest.approx(getattr(row, name)) for row in rows[group] if getattr(row, name) is not None
        }
        for group in rows
        for name in names[group]
    }


def test_a_training_that_was_stopped_has_every_step_once(
    tiny_model: Path, tiny_encodings: Encodings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that a stop undid are taken and written again; the file of a finished training is made from its rows."""
    plain = train_lora(sdxl, tiny_model, tiny_encodings, recipe(), tmp_path / "plain", SavingClock(1e9))
    check = lora_recipe._check_finite

    def stopping(step: int, *others: Any) -> None:
        if step == 8:
            raise KeyboardInterrupt
        check(step, *others)

    def train() -> TrainingState:
        return train_lora(
            sdxl, tiny_model, tiny_encodings, recipe(), tmp_path / "work", SavingClock(1e9), EventFile(tmp_path / "tb")
        )

    monkeypatch.setattr(lora_recipe, "_check_finite", stopping)
    with pytest.raises(KeyboardInterrupt):
        train()
    monkeypatch.setattr(lora_recipe, "_check_finite", check)
    done = train()
    assert done.began_after == 5
    events = read_events(tmp_path / "tb")
    assert events[0].file_version == "brain.Event:2"
    assert events[1].session_log.status == SessionLog.START
    times = [event.wall_time for event in events[2:] if event.summary.value[0].tag.startswith("training/")]
    assert all(one <= other for one, other in pairwise(times))
    found = curves(events)
    memory = found.pop("training/memory_gib")
    assert sorted(memory) == [6, 7, 8, 9, 10] and all(0.01 < value < 100 for value in memory.values())
    assert found == expected(done)
    assert platform.node() not in next((tmp_path / "tb").iterdir()).name
    for step in (5, 10):
        ours, theirs = (checkpoint_file(tmp_path / part / "checkpoints", step) for part in ("work", "plain"))
        assert ours.read_bytes() == theirs.read_bytes()
    assert [row.loss for row in done.log] == [row.loss for row in plain.log]

    again = EventFile(tmp_path / "tb")
    again.show(done)
    again.close()
    assert curves(read_events(tmp_path / "tb")) == expected(done)


def test_curves_can_be_looked_at_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "SHORTEST_PAUSE", -1.0)
    done = TrainingState(0, [], [validation(0, 0.5)], 0.0)
    file = EventFile(tmp_path)
    for step in (1, 2):
        done.step, done.seconds = step, 10.0 * step
        done.log.append(logged_step(step, 1.0 / step, seconds=done.seconds))
        file.show(done, 2**30)
    values = {"loss": 0.5, "loss_se": 0.0, "untriggered_loss": 0.5}
    assert curves(read_events(tmp_path)) == {
        "training/loss": {1: 1.0, 2: 0.5},
        "training/lr": {1: pytest.approx(1e-3), 2: pytest.approx(1e-3)},
        "training/grad_norm": {1: 1.0, 2: 1.0},
        "training/memory_gib": {1: 1.0, 2: 1.0},
        **{f"validation/{name}": {0: value} for name, value in values.items()},
    }
    events = [event for event in read_events(tmp_path) if event.summary.value]
    assert events[-1].wall_time - events[0].wall_time == pytest.approx(10, abs=1e-3)


def test_a_full_disk_ends_the_curves_and_not_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "SHORTEST_PAUSE", -1.0)
    monkeypatch.setattr("tensorboardX.record_writer.open_file", lambda path: Path("/dev/full").open("wb"))  # noqa: SIM115
    file, done = EventFile(tmp_path), TrainingState(0, [], [], 0.0)
    for step in range(1, 400):
        done.log.append(logged_step(step, 1.0))
        file.show(done)
    file.close()
