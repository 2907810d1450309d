"""The curves of a training for TensorBoard, written while it trains. Nothing is made of them: they hold the time."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter

from darkroom.training.resume_state import TrainingState

NAME = "events.out.tfevents"
# What of a row is no curve: its place on the axes, and what stays the same.
NO_CURVES = ("step", "seconds", "frames", "split")
SHORTEST_PAUSE = 5.0


class EventFile:
    """One event file in a folder of its own: a training from its first step on, also where it goes on after a kill.

    It takes the place of the one before, so that no step is there twice. Curves are no result: on a disk that is full
    they end, and the training ends where it needs the room itself.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{NAME}.*"):
            # A TensorBoard that is open reads on from an empty file to the next, but not from one that is gone.
            old.write_bytes(b"") if old.stat().st_size else old.unlink()
        now = time.time()
        # The custom is a name with the machine's; this one tells none.
        self._file = RecordWriter(str(folder / f"{NAME}.{now:.0f}.darkroom"))
        self._rows = self._validations = 0
        self._began = self._flushed = 0.0
        self._write(Event(wall_time=now, file_version="brain.Event:2"))
        # A TensorBoard that is open forgets what the file before had.
        self._write(Event(wall_time=now, step=0, session_log=SessionLog(status=SessionLog.START)))

    def show(self, done: TrainingState, memory: int | None = None) -> None:
        """Write the rows that are new since the last call; `memory`, in bytes, is what the last step used."""
        self._began = self._began or time.time() - done.seconds
        rows = [asdict(row) for row in done.log[self._rows :]]
        validations = [asdict(row) for row in done.validation[self._validations :]]
        if rows and memory is not None:
            rows[-1]["memory_gib"] = memory / 2**30
        seconds = {row["step"]: row["seconds"] for row in rows}
        for group, new in (("training", rows), ("validation", validations)):
            for row in new:
                self._write(_scalars(group, row, self._began + seconds.get(row["step"], 0.0)))
        self._rows, self._validations = len(done.log), len(done.validation)
        if time.monotonic() - self._flushed > SHORTEST_PAUSE:
            with contextlib.suppress(OSError):
                self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        """Write out what is left."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, event: Event) -> None:
        with contextlib.suppress(OSError):
            self._file.write(event.SerializeToString())


def _scalars(group: str, row: Mapping[str, Any], wall_time: float) -> Event:
    """The numbers of a row under their columns' names, such as `validation/loss`."""
    event = Event(wall_time=wall_time, step=row["step"])
    for name, value in row.items():
        if name not in NO_CURVES and value is not None:
            event.summary.value.add(tag=f"{group}/{name}", simple_value=value)
    return event
