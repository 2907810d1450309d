"""What the denoiser is conditioned on: captions as encoded once, or anew where text encoders are adapted."""

from dataclasses import dataclass
from pathlib import Path

import torch

from darkroom.config.training import TrainingSettings
from darkroom.families.base import ModelFamily
from darkroom.families.clip_text import TextEncoders
from darkroom.training.adapter import add_text_adapters
from darkroom.training.encodings import Tensors


@dataclass(frozen=True)
class TextConditioning:
    """Where text encoders are adapted, a family and they, in fp32 as for encoding once."""

    family: ModelFamily | None = None
    encoders: TextEncoders | None = None

    def __call__(self, text: Tensors) -> Tensors:
        """What the denoiser is conditioned on for stacked texts; with frozen encoders it is in the texts already."""
        if self.family is None or self.encoders is None:
            return text
        # As they were encoded once, whatever precision the denoiser runs in.
        with torch.autocast(next(iter(text.values())).device.type, enabled=False):
            return self.family.encode_tokens(self.encoders, text)


FROZEN = TextConditioning()


def load_text_conditioning(
    family: ModelFamily, model: Path, settings: TrainingSettings, device: torch.device
) -> TextConditioning:
    """The text encoders with fresh adapters, or none where they stay frozen."""
    if settings.text_encoder is None:
        return FROZEN
    # On the CPU, where adapters begin with the same numbers whatever the device.
    encoders = family.load_text_encoders(model, torch.device("cpu"))
    add_text_adapters(encoders, settings, family)
    for encoder in encoders.models.values():
        encoder.to(device)
    return TextConditioning(family, encoders)
