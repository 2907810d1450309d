"""What the denoiser hears of captions: their embeddings as encoded once, or anew where text encoders are adapted."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from darkroom.config.training import TrainingSettings
from darkroom.training.adapter import add_text_adapters
from darkroom.training.encodings import Tensors


@dataclass(frozen=True)
class Hearing:
    """Where text encoders are adapted, a family and they, in fp32 as for encoding once."""

    family: Any = None
    encoders: Any = None

    def __call__(self, text: Tensors) -> Tensors:
        """What the denoiser hears of stacked texts. What frozen encoders say is in the texts already."""
        if self.encoders is None:
            return text
        # As they were encoded once, whatever precision the denoiser runs in.
        with torch.autocast(next(iter(text.values())).device.type, enabled=False):
            return dict(self.family.encode_tokens(self.encoders, text))


FROZEN = Hearing()


def load_hearing(family: ModuleType, model: Path, settings: TrainingSettings, device: torch.device) -> Hearing:
    """The text encoders with fresh adapters, or none where they stay frozen."""
    if settings.text_encoder is None:
        return FROZEN
    # On the CPU, where adapters begin with the same numbers whatever the device.
    encoders = family.load_text_encoders(model, torch.device("cpu"))
    add_text_adapters(encoders, settings, family)
    for encoder in encoders.models.values():
        encoder.to(device)
    return Hearing(family, encoders)
