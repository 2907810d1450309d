"""Pictures rendered from prompts, one at a time from fixed seeds, each remembered by all that decides it."""

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from darkroom.jobs import device
from darkroom.jobs.progress import progress
from darkroom.storage.cache import Cache, cache_key

# What decides a picture beside the modules of its family: for `code_version`.
MODULES = (device, sys.modules[__name__])


@dataclass(frozen=True)
class Picture:
    """A picture to render: prompt, seed, and size in pixels. `guidance` is the scale of the prompt's pull."""

    prompt: str
    seed: int
    width: int
    height: int
    sampling_steps: int
    guidance: float


def with_adapter(pipeline: Any, checkpoint: Path | None, strength: float) -> Any:
    """The pipeline with the LoRA of a checkpoint at a strength, or without any."""
    pipeline.unload_lora_weights()
    if checkpoint is not None:
        pipeline.load_lora_weights(str(checkpoint.parent), weight_name=checkpoint.name, adapter_name="lora")
        pipeline.set_adapters(["lora"], [strength])
    return pipeline


def render(pipeline: Any, picture: Picture) -> bytes:
    """Render one picture as PNG. Noise is drawn on the CPU, so that a seed means the same on every device."""
    import torch

    image = pipeline(
        prompt=picture.prompt,
        width=picture.width,
        height=picture.height,
        num_inference_steps=picture.sampling_steps,
        guidance_scale=picture.guidance,
        generator=torch.Generator().manual_seed(picture.seed),
    ).images[0]
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def cached_pictures(
    cache: Cache, key: Mapping[str, Any], pictures: Mapping[str, Picture], load_pipeline: Callable[[], Any]
) -> tuple[dict[str, Path], int]:
    """Look up the PNG of each picture; load the pipeline and render where any is missing.

    `key` holds what decides the pictures besides themselves: model, adapter, code. Returns the files by name and the
    number rendered.
    """
    keys = {name: cache_key(**key, picture=asdict(picture)) for name, picture in pictures.items()}
    files = {name: cache.path(key, ".png") for name, key in keys.items()}
    missing = sorted(name for name, key in keys.items() if not cache.has(key, ".png"))
    if missing:
        pipeline = load_pipeline()
        for name in progress(missing, "render", "pictures"):
            cache.store_bytes(keys[name], ".png", render(pipeline, pictures[name]))
    return files, len(missing)
