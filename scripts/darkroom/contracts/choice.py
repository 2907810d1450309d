"""The choice of a run: choice.json, which checkpoint to take, at which strength, and why."""

from dataclasses import asdict, dataclass
from pathlib import Path

from darkroom.storage.files import read_json, write_json


@dataclass(frozen=True)
class Choice:
    """The checkpoint and strength that evaluation chose, and why."""

    step: int
    strength: float
    reason: str


def read_choice(path: Path) -> Choice:
    """Read choice.json."""
    content = read_json(path)
    return Choice(int(content["step"]), float(content["strength"]), str(content["reason"]))


def write_choice(path: Path, choice: Choice) -> None:
    """Write choice.json."""
    write_json(path, asdict(choice))
