"""Reads event files back, as TensorBoard does: for tests only."""

import struct
from itertools import groupby
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c


def read_events(folder: Path) -> list[Any]:
    """The events of the one file in a folder that is not empty: records of length, its checksum, data, its checksum."""
    (path,) = (path for path in folder.iterdir() if path.stat().st_size)
    data, events, place = path.read_bytes(), [], 0
    while place < len(data):
        length, checked = struct.unpack_from("<QI", data, place)
        content = data[place + 12 : place + 12 + length]
        assert masked_crc32c(data[place : place + 8]) == checked
        assert struct.unpack_from("<I", data, place + 12 + length) == (masked_crc32c(content),)
        events.append(Event.FromString(content))
        place += 16 + length
    return events


def curves(events: list[Any]) -> dict[str, dict[int, float]]:
    """The points of each tag by step; no step may be there twice."""
    points = [(value.tag, event.step, value.simple_value) for event in events for value in event.summary.value]
    assert len({point[:2] for point in points}) == len(points)
    return {tag: {step: y for _, step, y in own} for tag, own in groupby(sorted(points), key=lambda point: point[0])}
