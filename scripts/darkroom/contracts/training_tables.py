"""The tables of a training: log.csv, a row per step, and validation.csv, a row per checkpoint and one before."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import read_rows


@dataclass(frozen=True)
class LoggedStep:
    """A step of the optimizer: mean loss of its frames and of its prior pictures, if it had any.

    `lr` is the learning rate as it moves the weights, `grad_norm` that before clipping, `seconds` since the beginning.
    """

    step: int
    loss: float
    prior_loss: float | None
    lr: float
    grad_norm: float
    seconds: float


@dataclass(frozen=True)
class Validation:
    """The fixed-noise validation loss after a step, 0 being the base model.

    `loss_se` is its standard error over the photos, `untriggered_loss` that of the captions without the trigger,
    `prior_loss` that on prior pictures which are not trained on; `frames` counts the frames of `split`.
    """

    step: int
    loss: float
    loss_se: float
    untriggered_loss: float
    prior_loss: float | None
    frames: int
    split: str


def read_log(path: Path) -> list[LoggedStep]:
    """log.csv, in the order of the steps."""
    return read_rows(path, LoggedStep)


def read_validations(path: Path) -> list[Validation]:
    """validation.csv, in the order of the steps."""
    return read_rows(path, Validation)
