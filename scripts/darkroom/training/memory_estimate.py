"""How much memory a training will need, found before any weights load.

The denoiser is built from its config.json on torch's `meta` device, where tensors have shapes but no bytes, and a step
is walked through there: what autograd would keep is counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch.overrides import TorchFunctionMode

from darkroom.config.training import PriorSettings, TrainingSettings, share_of_prior
from darkroom.errors import UserError, one_line
from darkroom.families.base import ModelFamily
from darkroom.families.clip_text import TextEncoders
from darkroom.jobs.device import dtype_of
from darkroom.storage.files import read_json
from darkroom.training.adapter import add_adapter, add_text_adapters, trainable, trainable_of_text
from darkroom.training.encodings import Encoding, Encodings
from darkroom.training.optimizers import OPTIMIZER_NUMBERS

# Kernels, and what the allocator cannot fill.
OVERHEAD = 2**29
# Kernels differ in what they keep of a step: it may be so many times less than is counted. All else is exact.
UNSURE = 1.25


@dataclass(frozen=True)
class Need:
    """Bytes that a training needs: all frozen models, the adapter with optimizer and average, and one micro-batch."""

    model: float
    adapter: float
    activations: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.model + self.adapter + self.activations + OVERHEAD

    @property
    def least(self) -> float:
        """What is needed in any case."""
        return self.model + self.adapter + self.activations / UNSURE


class _FusedAttention(torch.autograd.Function):
    """Attention that keeps what fused kernels keep: its inputs, its answer, and a number per query."""

    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        attended = torch.empty(*query.shape[:-1], value.shape[-1], dtype=query.dtype, device=query.device)
        sums = torch.empty(query.shape[:-1], device=query.device)
        ctx.save_for_backward(query, key, value, attended, sums)
        return attended


class _Fused(TorchFunctionMode):
    """On the meta device torch's attention would keep the table of all queries by keys, which CPUs and GPUs do not."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.nn.functional.scaled_dot_product_attention:
            given = dict(zip(("query", "key", "value"), args, strict=False)) | (kwargs or {})
            return _FusedAttention.apply(given["query"], given["key"], given["value"])
        return function(*args, **(kwargs or {}))


class _Kept:
    """What autograd keeps: storages that are no weights, each once (held here, so that no other takes its number)."""

    def __init__(self, weights: set[int]) -> None:
        self._weights = weights
        self._storages: dict[int, torch.UntypedStorage] = {}
        self.largest_block = 0

    def keep(self, tensor: Any) -> Any:
        """Count a tensor; a hook of autograd."""
        if torch.is_tensor(tensor) and tensor.untyped_storage()._cdata not in self._weights:
            self._storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    @property
    def bytes(self) -> int:
        """All that is kept until the backward pass."""
        return sum(storage.nbytes() for storage in self._storages.values())

    def block(self, run: Callable[..., Any], *inputs: Any) -> Any:
        """A checkpointed block keeps its inputs; what is within it is there only while it is computed again."""
        for tensor in inputs:
            self.keep(tensor)
        inner = _Kept(self._weights)
        with torch.autograd.graph.saved_tensors_hooks(inner.keep, lambda tensor: tensor):
            outcome = run(*inputs)
        self.largest_block = max(self.largest_block, inner.bytes)
        return outcome


def memory_need(
    family: ModelFamily, model: Path, encodings: Encodings, settings: TrainingSettings, samples: int
) -> Need | None:
    """The memory of a step of the largest frames, so many samples at once.

    None where the model is no folder with a config of its denoiser. UserError where that is of another family.
    """
    import diffusers

    config_file = model / family.DENOISER / "config.json"
    if not config_file.exists():
        return None
    frame = max(encodings.of("frame", "train"), key=lambda row: math.prod(row.size))
    precision = dtype_of(settings.precision)
    try:
        config = read_json(config_file)
        with torch.device("meta"):
            denoiser = getattr(diffusers, config["_class_name"]).from_config(config).requires_grad_(False)
            add_adapter(denoiser, settings, family.LAYERS[settings.layers])
        torch.nn.Module.to(denoiser, precision)
        kept = _kept_of_a_step(family, denoiser, frame, encodings, settings, samples)
        text = _text_need(family, model, frame, encodings, settings, samples)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"{config_file}: it does not fit the encodings ({one_line(error, 200)}); "
            "give the target the family of its model"
        ) from None
    weights = text.trained + sum(weight.numel() for weight in trainable(denoiser).values())
    model_bytes = sum(weight.nbytes for weight in denoiser.parameters() if not weight.requires_grad)
    copies = 2 + OPTIMIZER_NUMBERS[settings.optimizer] + (settings.ema_decay is not None)
    activations = kept.bytes + kept.largest_block + text.activations
    return Need(float(model_bytes + text.frozen), 4.0 * copies * weights, activations)


@dataclass(frozen=True)
class _TextNeed:
    """What text encoders with adapters need: bytes that are frozen, numbers that are trained, bytes kept of a step."""

    frozen: int = 0
    trained: int = 0
    activations: int = 0


def _text_need(
    family: ModelFamily, model: Path, frame: Encoding, encodings: Encodings, settings: TrainingSettings, samples: int
) -> _TextNeed:
    if settings.text_encoder is None:
        return _TextNeed()
    with torch.device("meta"):
        encoders = TextEncoders({}, {part: _empty_encoder(model / part) for part in family.TEXT_LAYERS})
        add_text_adapters(encoders, settings, family)
    weights = [weight for encoder in encoders.models.values() for weight in encoder.parameters()]
    kept = _Kept({weight.untyped_storage()._cdata for weight in weights})
    text = encodings.tensors(frame.text)
    tokens = {name: torch.empty((samples, *one.shape), dtype=one.dtype, device="meta") for name, one in text.items()}
    with _Fused(), torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor):
        family.encode_tokens(encoders, tokens)
    frozen = sum(weight.nbytes for weight in weights if not weight.requires_grad)
    trained = sum(weight.numel() for weight in trainable_of_text(encoders).values())
    return _TextNeed(frozen, trained, kept.bytes)


def _empty_encoder(folder: Path) -> Any:
    """A text encoder of a model's config, in fp32."""
    import transformers

    config = transformers.CLIPTextConfig.from_pretrained(folder)
    kind = getattr(transformers, read_json(folder / "config.json")["architectures"][0])
    return kind(config).float().eval().requires_grad_(False)


def _kept_of_a_step(
    family: ModelFamily, denoiser: Any, frame: Encoding, encodings: Encodings, settings: TrainingSettings, samples: int
) -> _Kept:
    kept = _Kept({weight.untyped_storage()._cdata for weight in denoiser.parameters()})
    denoiser.train()
    if settings.gradient_checkpointing:
        denoiser.enable_gradient_checkpointing(kept.block)
    latents, text = encodings.tensors(frame.latents)["latents"], encodings.tensors(frame.text)
    noisy = torch.empty(samples, *latents.shape, device="meta", dtype=dtype_of(settings.precision))
    conditions = {name: torch.empty(samples, *tensor.shape, device="meta") for name, tensor in text.items()}
    sizes = torch.empty(samples, 2, device="meta")
    with _Fused(), torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor):
        family.predict(denoiser, noisy, torch.zeros(samples, device="meta"), conditions, sizes)
    return kept


def samples_at_once(settings: TrainingSettings, prior: PriorSettings, processes: int) -> int:
    """The most samples of one step that a process may have in memory at once."""
    own = math.ceil(settings.batch * (1 + share_of_prior(settings, prior)) / processes)
    return min(own, settings.micro_batch or own)


def memory_there(device: torch.device, processes: int) -> float:
    """The bytes of a process's GPU, or its part of the RAM, that no program uses now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return float(free + torch.cuda.memory_reserved(device))
    return psutil.virtual_memory().available / processes


def check_memory(need: Need, there: float, settings: TrainingSettings, samples: int) -> str:
    """Need and memory in words, with the setting to change where it may not fit; UserError where it surely will not."""
    words = f"memory about {need.total / 2**30:.1f} of {there / 2**30:.1f} GiB free"
    if need.total <= there:
        return words
    change = what_to_change(need, settings, samples)
    if need.least <= there:
        return f"{words}; where that does not do, {change}"
    raise UserError(f"training: it needs {words}; {change}")


def what_to_change(need: Need, settings: TrainingSettings, samples: int) -> str:
    """The setting that saves most of what is needed, of those that are not set so already."""
    if need.activations > need.adapter and not settings.gradient_checkpointing:
        return "set training.gradient_checkpointing: true"
    if need.activations > need.adapter and samples > 1:
        return f"set training.micro_batch: {samples // 2}"
    if settings.precision == "fp32":
        return "set training.precision: bf16"
    smaller = [f"lower training.rank (it is {settings.rank})"] if settings.rank > 1 else []
    if OPTIMIZER_NUMBERS[settings.optimizer] > OPTIMIZER_NUMBERS["adamw8bit"]:
        smaller.append("set training.optimizer: adamw8bit")
    if need.adapter > need.activations and smaller:
        return " or ".join(smaller)
    return "lower crop.resolution or take a smaller base model"
