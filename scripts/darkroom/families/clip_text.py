"""CLIP's tokenizers and text encoders, which every family has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.families import model_folder
from darkroom.families.base import Tensors

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.utils import ModelOutput

ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


@dataclass(frozen=True)
class TextLayers:
    """The layers of a text encoder that an adapter goes on: by their last names, in all blocks but the last `unused`.

    The blocks at the end have no effect where the denoiser is conditioned on an earlier hidden state.
    """

    names: tuple[str, ...]
    unused: int = 0


@dataclass(frozen=True)
class TextEncoders:
    """Tokenizers and text encoders of a model, by the pipeline's names of the encoders.

    `zeros_for_empty`: for the empty caption the denoiser is conditioned on zeros.
    """

    tokenizers: dict[str, PreTrainedTokenizerBase]
    models: dict[str, PreTrainedModel]
    zeros_for_empty: bool = False


def load_tokenizers(family: str, model: Path, parts: tuple[str, ...]) -> list[PreTrainedTokenizerBase]:
    """CLIP tokenizers of a model, by the folders they lie in."""
    from transformers import CLIPTokenizer

    return [model_folder.load_part(family, CLIPTokenizer.from_pretrained, model, part) for part in parts]


def load_encoder(
    family: str, kind: type[PreTrainedModel], model: Path, part: str, device: torch.device, precision: torch.dtype
) -> PreTrainedModel:
    """A text encoder of a class of transformers, on a device."""
    options = {"dtype": precision, "use_safetensors": True}
    return model_folder.load_part(family, kind.from_pretrained, model, part, **options).to(device).eval()


def count_tokens(tokenizers: Sequence[PreTrainedTokenizerBase], text: str) -> int:
    """Tokens of a text for the encoder that needs most, those of start and end included."""
    return max(len(tokenizer(text).input_ids) for tokenizer in tokenizers)


def token_limit(tokenizers: Sequence[PreTrainedTokenizerBase]) -> int:
    """The most tokens that every encoder reads, those of start and end included; what is beyond is cut off."""
    return min(int(tokenizer.model_max_length) for tokenizer in tokenizers)


def tokenize(encoders: TextEncoders, text: str) -> Tensors:
    """A caption as the encoders read it: `tokens.text_encoder` (tokens) and so on, padded and cut, and `spoken`.

    `spoken` (a bool) is false for the empty caption where the denoiser is conditioned on zeros for it.
    """
    import torch

    read = {}
    for part, tokenizer in encoders.tokenizers.items():
        limit = tokenizer.model_max_length
        words = tokenizer(text, padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
        read[f"tokens.{part}"] = words.input_ids[0]
    return {**read, "spoken": torch.tensor(text != "" or not encoders.zeros_for_empty)}


def read_tokens(encoders: TextEncoders, part: str, tokens: Tensors, **options: object) -> ModelOutput:
    """What one encoder makes of stacked captions of `tokenize`."""
    encoder = encoders.models[part]
    return encoder(tokens[f"tokens.{part}"].to(encoder.device), **options)


def encode_once(
    encode_tokens: Callable[[TextEncoders, Tensors], Tensors], encoders: TextEncoders, text: str
) -> Tensors:
    """What a family's `encode_tokens` makes of one caption, without gradients, on the CPU."""
    import torch

    tokens = {name: tensor[None] for name, tensor in tokenize(encoders, text).items()}
    with torch.no_grad():
        encoded = encode_tokens(encoders, tokens)
    return {name: tensor[0].cpu().contiguous() for name, tensor in encoded.items()}
