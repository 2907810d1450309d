"""The tables of rendered pictures: samples.csv of an evaluation, and prior.csv, a row per picture each."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.tables import read_rows


@dataclass(frozen=True)
class RenderedSample:
    """A picture of a prompt by a checkpoint at a strength; the base model is step 0 at strength 0.

    `number` is that of its prompt, from 1, `control` whether that is one without the subject; `plain_prompt` is the
    prompt without the trigger. `file` is relative to the folder of samples.
    """

    step: int
    strength: float
    number: int
    seed: int
    control: bool
    prompt: str
    plain_prompt: str
    file: str
    sha256: str


@dataclass(frozen=True)
class PriorPicture:
    """A picture of what the base model already shows, `width` x `height` pixels; `file` is relative to its folder."""

    picture: str
    prompt: str
    seed: int
    width: int
    height: int
    file: str
    sha256: str


def read_samples(path: Path) -> list[RenderedSample]:
    """samples.csv: by step and strength, the base model first, then in the order of the prompts."""
    return read_rows(path, RenderedSample)


def read_priors(path: Path) -> list[PriorPicture]:
    """prior.csv, in the order of the pictures' names."""
    return read_rows(path, PriorPicture)
