"""What a model family is: the typed interface, the families by name, and the code of each."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Protocol, cast, get_args

from darkroom.errors import UserError

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL, DiffusionPipeline, ModelMixin, SchedulerMixin
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from darkroom.families.clip_text import TextEncoders, TextLayers

FamilyName = Literal["sd15", "sdxl", "flux"]
FAMILIES: tuple[str, ...] = tuple(sorted(get_args(FamilyName)))
Tensors = dict[str, "Tensor"]


class ModelFamily(Protocol):
    """What fetching, captions, training, rendering and publishing ask of a family: a module of this package (PEP 544).

    Latents are (channels, height, width) in cells, batches of them (count, channels, height, width), fp32 unless said
    otherwise. `u` is a place in [0, 1) on the way from data to noise. `model` is a folder in diffusers form; whatever
    loads a part of it raises UserError, one line, where it is another family's, not whole or damaged.
    """

    @property
    def FAMILY(self) -> str:
        """The name of the family, that of its module."""

    @property
    def MODEL_FILES(self) -> tuple[str, ...]:
        """The patterns of all files of a model that are fetched; the first part of each is a folder or a file."""

    @property
    def SKIPPED_FILES(self) -> tuple[str, ...]:
        """The patterns of files among these that are not: weights in other precisions."""

    @property
    def TOKENIZER_FILES(self) -> tuple[str, ...]:
        """The patterns of what `load_tokenizers` reads: captions are written and counted before any weight is there."""

    @property
    def CONFIG_FILES(self) -> tuple[str, ...]:
        """The patterns of what `convert` takes from a model's folder."""

    @property
    def DENOISER(self) -> str:
        """The pipeline's name of the denoiser: `unet` or `transformer`."""

    @property
    def LAYERS(self) -> Mapping[str, list[str]]:
        """The modules of the denoiser that adapters go on, by preset."""

    @property
    def TEXT_LAYERS(self) -> Mapping[str, TextLayers]:
        """The text encoders that can be trained, with their layers; empty where they stay frozen."""

    @property
    def DEFAULT_TIMESTEPS(self) -> str:
        """The distribution of timesteps in training: `uniform` or `logit-normal`."""

    @property
    def FLOW_MATCHING(self) -> bool:
        """Whether the denoiser predicts a flow: then it has no signal-to-noise ratio, and noise takes no offset."""

    @property
    def SAMPLING_STEPS(self) -> int:
        """The steps in which pictures are rendered unless the target says otherwise."""

    @property
    def GUIDANCE(self) -> float:
        """The guidance scale with which they are rendered."""

    @property
    def RENDER_PRECISION(self) -> str:
        """torch's name of the type in which a GPU renders."""

    @property
    def COMFYUI_READERS(self) -> str:
        """Who reads a LoRA under the names of `comfyui_names`, in words."""

    def check_model(self, model: Path) -> None:
        """Raise UserError, one line, where a folder is no whole model of this family. Reads no weights."""

    def published_as(self, model: Path) -> dict[str, str]:
        """What published files say of the base model: modelspec's architecture and kohya's base version."""

    def load_tokenizers(self, model: Path) -> list[PreTrainedTokenizerBase]:
        """The tokenizers that limit a caption, of a folder that holds the TOKENIZER_FILES."""

    def count_tokens(self, tokenizers: Sequence[PreTrainedTokenizerBase], text: str) -> int:
        """Tokens of a text for the encoder that needs most, those of start and end included."""

    def token_limit(self, tokenizers: Sequence[PreTrainedTokenizerBase]) -> int:
        """The most tokens that every encoder reads, those of start and end included; what is beyond is cut off."""

    def load_text_encoders(self, model: Path, device: torch.device) -> TextEncoders:
        """Tokenizers and text encoders on a device."""

    def tokenize(self, encoders: TextEncoders, text: str) -> Tensors:
        """A caption as the encoders read it, for `encode_tokens`: `tokens.<encoder>` (tokens) and `spoken` (a bool)."""

    def encode_tokens(self, encoders: TextEncoders, tokens: Tensors) -> Tensors:
        """What the denoiser is conditioned on for stacked captions of `tokenize`, on their device, with gradients."""

    def encode_text(self, encoders: TextEncoders, text: str) -> Tensors:
        """The same of one caption, without gradients, on the CPU."""

    def load_vae(self, model: Path, device: torch.device) -> AutoencoderKL:
        """The VAE in fp32."""

    def encode_picture(self, vae: AutoencoderKL, picture: Tensor) -> Tensor:
        """The latents of a picture (3, height, width) in [-1, 1], on the CPU.

        Raises UserError where the model takes no picture of this size.
        """

    def load_denoiser(self, model: Path, precision: torch.dtype) -> ModelMixin:
        """The denoiser alone, frozen, on the CPU, in a torch dtype."""

    def load_noise_scheduler(self, model: Path) -> SchedulerMixin:
        """The noise scheduler that the model was trained with."""

    def shifted(self, noise_scheduler: SchedulerMixin, u: Tensor, height: int, width: int) -> Tensor:
        """`u` (count), moved towards noise for latents of this size where the family does so in training."""

    def timesteps_at(self, noise_scheduler: SchedulerMixin, u: Tensor) -> Tensor:
        """The timesteps (count) at `u` (count), in the unit of `add_noise`, `target` and `predict`."""

    def add_noise(self, noise_scheduler: SchedulerMixin, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """A batch of noisy latents, at each sample's timestep."""

    def target(self, noise_scheduler: SchedulerMixin, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the denoiser is to predict of a batch."""

    def loss_weights(self, noise_scheduler: SchedulerMixin, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """The weight (count) of the loss of each sample by its timestep."""

    def predict(self, denoiser: ModelMixin, noisy: Tensor, timesteps: Tensor, text: Tensors, sizes: Tensor) -> Tensor:
        """The denoiser's prediction for a batch of one size; how latents are packed, and guidance, are its own affair.

        `text` holds stacked tensors of `encode_tokens`; `sizes` (count, 2) is height and width of the frames in pixels.
        """

    def load_pipeline(self, model: Path, device: torch.device) -> DiffusionPipeline:
        """The whole pipeline for rendering: fp32 on the CPU, RENDER_PRECISION on a GPU."""

    def convert(self, file: Path, config: Path, folder: Path, prediction: str | None) -> str:
        """Write a checkpoint of one file in diffusers form, with the CONFIG_FILES of the folder `config`.

        Returns in words what it predicts: `prediction`, or as the file says, or as the folder.
        """

    def comfyui_names(self, tensors: Tensors, alpha: float) -> Tensors:
        """LoRA tensors, given under diffusers' names, as COMFYUI_READERS read them, with alpha."""


def family(name: str) -> ModelFamily:
    """A model family, such as `sdxl`. UserError where there is none of this name."""
    if name not in FAMILIES:
        raise UserError(f"family: there is no {name!r}; known families: {', '.join(FAMILIES)}")
    return cast(ModelFamily, importlib.import_module(f"{__package__}.{name}"))


def code_modules(family: ModelFamily) -> list[ModuleType]:
    """A family and the modules it shares with others, directly or not: for `code_version`."""
    module = cast(ModuleType, family)
    found = {module.__name__: module}
    pending = [module]
    while pending:
        for each in vars(pending.pop()).values():
            shared = isinstance(each, ModuleType) and each.__name__.startswith(f"{__package__}.")
            if shared and each.__name__ not in found:
                found[each.__name__] = each
                pending.append(each)
    return [found[name] for name in sorted(found)]
