"""What all settings have in common: frozen, typed, no unknown key, and one canonical text for a command line."""

import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.config.wrong_settings import explain
from darkroom.errors import UserError
from darkroom.storage.files import canonical_json


class Settings(BaseModel):
    """Base of every group of settings. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_argument(self) -> str:
        """The settings as canonical JSON: a Snakemake param and the value of a script's `--settings`."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))

    @classmethod
    def from_argument(cls, text: str) -> Self:
        """The settings of `--settings`; UserError, one line, where it is no JSON, or a key or value is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UserError(f"{cls.__name__} as JSON: {explain(error, cls)}") from None


def check_prompts(prompts: Sequence[str], *places: str) -> None:
    """Raise ValueError where a prompt is blank or holds other braces than `{place}` of the places."""
    allowed = " and ".join(f"{{{place}}}" for place in places)
    for prompt in prompts:
        if not prompt.strip():
            raise ValueError("a prompt is to say something; leave empty ones out")
        if re.search(r"[{}]", re.sub("|".join(rf"\{{{place}\}}" for place in places), "", prompt)):
            raise ValueError(f"in braces a prompt may hold {allowed} only, not as in {prompt!r}")


class ComputeSettings(Settings):
    """Where models run. Threads belong to the settings because 1 and 2 threads round differently."""

    device: Literal["cpu", "gpu"] = Field("gpu", description="where models run")
    inference_threads: int = Field(1, ge=1, description="CPU threads of masks, captions and embeddings")
    training_threads: int = Field(
        1, ge=1, description="CPU threads from encoding to scoring; another number rounds to another LoRA"
    )
    training_processes: int = Field(
        1, ge=1, description="processes that train together, each on a GPU of its own or on `training_threads` cores"
    )
