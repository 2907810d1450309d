"""The LoRA on a denoiser, and on text encoders beside it: put on, read out, written as diffusers loads it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save

from darkroom.config.training import TrainingSettings
from darkroom.families.base import ModelFamily
from darkroom.storage.files import write_bytes
from darkroom.training.keyed_random import generator_at

# Loaders know the layers of a text encoder under this name, whether or not this version of transformers has it.
TEXT_MODEL = "text_model."


def add_adapter(denoiser: Any, settings: TrainingSettings, target_modules: list[str]) -> None:
    """Put a fresh LoRA on a frozen denoiser: trainable in fp32, with no effect before the first step."""
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=target_modules)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator_at(settings.seed, 0, 0, "adapter").initial_seed())
        denoiser.add_adapter(config)
    for parameter in trainable(denoiser).values():
        parameter.data = parameter.data.float()


def add_text_adapters(encoders: Any, settings: TrainingSettings, family: ModelFamily) -> None:
    """Put a fresh LoRA on each text encoder that the family adapts, where the settings want any."""
    wanted = settings.text_encoder
    if wanted is None:
        return
    for part in family.TEXT_LAYERS:
        encoder = encoders.models[part].requires_grad_(False)
        modules = text_modules(encoder, family.TEXT_LAYERS[part])
        config = LoraConfig(r=wanted.rank, lora_alpha=wanted.alpha, target_modules=modules)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator_at(settings.seed, 0, 0, f"adapter of {part}").initial_seed())
            encoder.add_adapter(config)


def text_modules(encoder: Any, layers: Any) -> list[str]:
    """The whole names of a text encoder's adapted layers, without the `text_model.` that only some versions have."""
    blocks = encoder.config.num_hidden_layers - layers.unused
    names = (name.removeprefix(TEXT_MODEL) for name, _ in encoder.named_modules())
    return [name for name in names if name.rpartition(".")[2] in layers.names and int(name.split(".")[2]) < blocks]


def adapter_layers(denoiser: Any) -> list[BaseTunerLayer]:
    """The layers that carry the adapter, for `without_adapter`: found once, because walking a denoiser takes long."""
    return [layer for layer in denoiser.modules() if isinstance(layer, BaseTunerLayer)]


@contextmanager
def without_adapter(layers: Iterable[BaseTunerLayer]) -> Iterator[None]:
    """The base model for a while: the adapter on these layers is disabled."""
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def trainable_of_text(encoders: Any) -> dict[str, torch.nn.Parameter]:
    """The parameters of the text encoders' adapters, by the encoder's name and their own."""
    models = encoders.models if encoders is not None else {}
    weights = {part: trainable(models[part]) for part in sorted(models)}
    return {f"{part}.{name}": weight for part, own in weights.items() for name, weight in own.items()}


def trainable(denoiser: Any) -> dict[str, torch.nn.Parameter]:
    """The adapter's parameters by name, in the order of their names."""
    return {name: weight for name, weight in sorted(denoiser.named_parameters()) if weight.requires_grad}


def save_adapter(denoiser: Any, part: str, path: Path, encoders: Any = None) -> None:
    """Write the adapter whole or not at all, in fp32, under the names that `load_lora_weights` reads.

    `part` is the pipeline's name of the denoiser; the adapters of `encoders`, where there are any, lie beside its own.
    Rank, alpha and modules go into the metadata, as one entry: with several, safetensors writes them in an order that
    differs from process to process.
    """
    models = {part: denoiser, **(encoders.models if encoders is not None else {})}
    tensors, config = {}, {}
    for name, model in models.items():
        prefix = f"{name}." if model is denoiser else f"{name}.{TEXT_MODEL}"
        for key, tensor in get_peft_model_state_dict(model).items():
            tensors[prefix + key.removeprefix(TEXT_MODEL)] = tensor.detach().float().cpu().contiguous()
        adapter = model.peft_config["default"]
        config[f"{name}.r"], config[f"{name}.lora_alpha"] = adapter.r, adapter.lora_alpha
        config[f"{name}.target_modules"] = sorted(adapter.target_modules)
    write_bytes(path, save(tensors, {"lora_adapter_metadata": json.dumps(config, sort_keys=True)}))


def load_adapter(denoiser: Any, part: str, path: Path, name: str) -> None:
    """Load an adapter's file onto a denoiser under a name, as a pipeline's `load_lora_weights` does.

    Raises ValueError where a tensor of the file finds no place in the denoiser.
    """
    config = _adapter_config(path)
    tensors = _tensors_of(path, part)
    denoiser.load_lora_adapter(dict(tensors), prefix=part, adapter_name=name, metadata=config)
    loaded = sum(f".{name}.weight" in key for key, _ in denoiser.named_parameters())
    if loaded != len(tensors):
        raise ValueError(f"{path}: {loaded} of its {len(tensors)} tensors found their place")


def load_text_adapters(encoders: Any, family: ModelFamily, path: Path, name: str, strength: float) -> None:
    """Load the text encoders' adapters of a file, at a strength. ValueError where a tensor finds no place."""
    for part in family.TEXT_LAYERS:
        encoder, tensors = encoders.models[part], _tensors_of(path, part)
        flat = not hasattr(encoder, TEXT_MODEL.rstrip("."))
        adapter = _adapter_config(path)
        modules = adapter[f"{part}.target_modules"]
        # The strength as alpha: scaling by it is all that either does.
        alpha = adapter[f"{part}.lora_alpha"] * strength
        encoder.add_adapter(LoraConfig(r=adapter[f"{part}.r"], lora_alpha=alpha, target_modules=modules), name)
        own = {key.removeprefix(f"{part}."): tensor for key, tensor in tensors.items()}
        own = {key.removeprefix(TEXT_MODEL) if flat else key: tensor for key, tensor in own.items()}
        unknown = set_peft_model_state_dict(encoder, own, name).unexpected_keys
        if unknown or len(own) != 2 * len(modules):
            raise ValueError(f"{path}: tensors of {part} found no place")


def _adapter_config(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return dict(json.loads(file.metadata()["lora_adapter_metadata"]))


def _tensors_of(path: Path, part: str) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in load_file(path).items() if name.startswith(f"{part}.")}
