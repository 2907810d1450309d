"""The LoRA on a denoiser: put on, read out, written as diffusers loads it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save

from darkroom.files import write_bytes
from darkroom.training.random_address import generator_at
from darkroom.training.settings import TrainingSettings


def add_adapter(denoiser: Any, settings: TrainingSettings, target_modules: list[str]) -> None:
    """Put a fresh LoRA on a frozen denoiser: trainable in fp32, with no effect before the first step."""
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=target_modules)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator_at(settings.seed, 0, 0, "adapter").initial_seed())
        denoiser.add_adapter(config)
    for parameter in trainable(denoiser).values():
        parameter.data = parameter.data.float()


@contextmanager
def without_adapter(denoiser: Any) -> Iterator[None]:
    """The base model for a while: the adapter counts nothing."""
    denoiser.disable_adapters()
    try:
        yield
    finally:
        denoiser.enable_adapters()


def trainable(denoiser: Any) -> dict[str, torch.nn.Parameter]:
    """The adapter's parameters by name, in the order of their names."""
    return {name: weight for name, weight in sorted(denoiser.named_parameters()) if weight.requires_grad}


def save_adapter(denoiser: Any, settings: TrainingSettings, part: str, path: Path) -> None:
    """Write the adapter whole or not at all, in fp32, under the names that `load_lora_weights` reads.

    `part` is the pipeline's name of the denoiser. Rank, alpha and modules go into the metadata, as one entry: with
    several, safetensors writes them in an order that differs from process to process.
    """
    adapter = get_peft_model_state_dict(denoiser)
    tensors = {f"{part}.{name}": tensor.detach().float().cpu().contiguous() for name, tensor in adapter.items()}
    config = {
        f"{part}.r": settings.rank,
        f"{part}.lora_alpha": settings.alpha,
        f"{part}.target_modules": sorted(denoiser.peft_config["default"].target_modules),
    }
    write_bytes(path, save(tensors, {"lora_adapter_metadata": json.dumps(config, sort_keys=True)}))


def load_adapter(denoiser: Any, part: str, path: Path, name: str) -> None:
    """Load an adapter's file onto a denoiser under a name, as a pipeline's `load_lora_weights` does.

    Raises ValueError where a tensor of the file finds no place in the denoiser.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["lora_adapter_metadata"])
    tensors = load_file(path)
    denoiser.load_lora_adapter(dict(tensors), prefix=part, adapter_name=name, metadata=config)
    loaded = sum(f".{name}.weight" in key for key, _ in denoiser.named_parameters())
    if loaded != len(tensors):
        raise ValueError(f"{path}: {loaded} of its {len(tensors)} tensors found their place")
