"""Does a LoRA file do anything? Loaded into its base model as people load it, every module used, the output changed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.errors import UserError, one_line
from darkroom.families.base import ModelFamily


@dataclass(frozen=True)
class Verification:
    """What a LoRA file did to its base model.

    `modules` that the file changes, `used` of them changed in the model, and `change`, the mean absolute difference of
    a picture with and without it, in 8-bit levels.
    """

    modules: int
    used: int
    change: float

    @property
    def good(self) -> bool:
        """Whether every module is used and the output changes."""
        return self.used == self.modules > 0 and self.change > 0


def verify_lora(
    file: Path, pipeline: Any, family: ModelFamily, prompt: str, strength: float, image_size: int
) -> Verification:
    """Load a LoRA file into a pipeline, as `load_lora_weights` does, and render one picture with and without it.

    `image_size` is the side of the pictures in pixels. Raises UserError where the file does not load.
    """
    before = _render(pipeline, prompt, image_size)
    try:
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name="verified")
    except Exception as error:  # loaders raise anything at all on files that are not theirs
        raise UserError(f"{file}: it does not load into this model: {one_line(error)}") from None
    pipeline.set_adapters(["verified"], [strength])
    parts = (family.DENOISER, *family.TEXT_LAYERS)
    used = sum(_modules_in_model(getattr(pipeline, part)) for part in parts)
    after = _render(pipeline, prompt, image_size)
    pipeline.unload_lora_weights()
    return Verification(_modules_in_file(file), used, _difference(before, after))


def _modules_in_file(file: Path) -> int:
    """Modules that the file changes: those whose second matrix (B, or up) is not zero."""
    from safetensors import safe_open

    with safe_open(file, "pt") as tensors:
        names = [name for name in tensors.keys() if ".lora_B." in name or ".lora_up." in name]  # noqa: SIM118
        return sum(bool(tensors.get_tensor(name).ne(0).any()) for name in names)


def _modules_in_model(part: Any) -> int:
    """Modules of a part of the model that are changed. What a loader skips stays as it was made, B at zero."""
    weights = [weight for name, weight in part.named_parameters() if ".lora_B.verified." in name]
    return sum(bool(weight.ne(0).any()) for weight in weights)


def _render(pipeline: Any, prompt: str, image_size: int) -> Any:
    import numpy
    import torch

    generator = torch.Generator("cpu").manual_seed(0)
    size = {"width": image_size, "height": image_size}
    picture = pipeline(prompt, num_inference_steps=4, generator=generator, **size).images[0]
    return numpy.asarray(picture).astype(float)


def _difference(before: Any, after: Any) -> float:
    return float(abs(after - before).mean())
