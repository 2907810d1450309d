"""FLUX.1, dev and schnell: a flow-matching transformer behind T5 and CLIP (Black Forest Labs 2024).

Latents x and noise e are mixed as (1 - s) x + s e at noise level s, and the transformer predicts e - x (rectified flow,
Liu et al. 2023, arXiv:2209.03003; Esser et al. 2024, arXiv:2403.03206). A timestep is 1000 s.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.errors import UserError
from darkroom.families import autoencoder, clip_text, kohya_names, model_folder, single_file
from darkroom.families.base import Tensors
from darkroom.families.clip_text import TextEncoders, TextLayers
from darkroom.storage.files import link_or_copy, read_json

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL, DiffusionPipeline, ModelMixin, SchedulerMixin
    from diffusers.pipelines.flux.pipeline_output import FluxPipelineOutput
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

MODEL_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    "tokenizer_2/*",
    "text_encoder/config.json",
    "text_encoder/model*.safetensors*",
    "text_encoder_2/config.json",
    "text_encoder_2/model*.safetensors*",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model*.safetensors*",
    "vae/config.json",
    "vae/diffusion_pytorch_model*.safetensors*",
)
SKIPPED_FILES = ("*.fp16.safetensors", "*.fp16.safetensors.index.json")
TOKENIZER_FILES = ("tokenizer_2/*", *model_folder.DENOISER_CONFIGS)
CONFIG_FILES = tuple(pattern for pattern in MODEL_FILES if not pattern.startswith("transformer/diffusion"))
COMFYUI_READERS = "ComfyUI or Forge"
RENDER_PRECISION = "bfloat16"
DENOISER = "transformer"
DEFAULT_TIMESTEPS = "logit-normal"
FLOW_MATCHING = True
SAMPLING_STEPS, GUIDANCE = 28, 3.5
FAMILY = "flux"
# Both text encoders stay frozen: T5 alone is as large as the denoisers of other families.
TEXT_LAYERS: dict[str, TextLayers] = {}
TIMESTEPS = 1000
# dev is distilled to follow a guidance scale as a condition; trained at 1, a LoRA holds at every scale.
TRAINING_GUIDANCE = 1.0
# T5 reads this many tokens of a caption for dev and for schnell, which alone has no guidance.
DEV_TOKENS, SCHNELL_TOKENS = 512, 256

JOINT_ATTENTION = ["add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"]
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0", *JOINT_ATTENTION]
# By their whole names: what ends in `proj_out` is the transformer's last layer, too.
SINGLE_OUTPUTS = [f"single_transformer_blocks.{number}.proj_out" for number in range(38)]
FEEDFORWARD = ["net.0.proj", "net.2", "proj_mlp", *SINGLE_OUTPUTS]
MODULATION = ["norm.linear", "norm1.linear", "norm1_context.linear"]
LAYERS = {
    "attention": ATTENTION,
    "attention+feedforward": ATTENTION + FEEDFORWARD,
    "all": ATTENTION + FEEDFORWARD + MODULATION,
}

token_limit = clip_text.token_limit
count_tokens = clip_text.count_tokens
tokenize = clip_text.tokenize


def check_model(model: Path) -> None:
    """Raise UserError, one line, where a folder is no whole model of this family. Reads no weights."""
    model_folder.check_model(FAMILY, model, MODEL_FILES)
    autoencoder.check_vae(model)


def published_as(model: Path) -> dict[str, str]:
    """What published files say of the base model: modelspec's architecture and kohya's base version, one for both."""
    name = "flux-1-dev" if _guided(model) else "flux-1-schnell"
    return {"modelspec.architecture": f"{name}/lora", "ss_base_model_version": "flux1"}


def _guided(model: Path) -> bool:
    """Whether the transformer is conditioned on a guidance scale: it is dev then, not schnell."""
    try:
        return bool(read_json(model / "transformer" / "config.json").get("guidance_embeds", False))
    except FileNotFoundError:
        raise UserError(f"{model}: it holds no transformer, so it is no FLUX.1 model in diffusers form") from None


def load_tokenizers(model: Path) -> list[PreTrainedTokenizerBase]:
    """The tokenizer of T5, which reads the words. CLIP gives one vector for the whole text and limits nothing."""
    from transformers import AutoTokenizer

    load, options = AutoTokenizer.from_pretrained, {"trust_remote_code": False}
    tokenizer = model_folder.load_part(FAMILY, load, model, "tokenizer_2", **options)
    tokenizer.model_max_length = min(tokenizer.model_max_length, DEV_TOKENS if _guided(model) else SCHNELL_TOKENS)
    return [tokenizer]


def load_text_encoders(model: Path, device: torch.device) -> TextEncoders:
    """Tokenizers and text encoders of CLIP and T5 for `encode_text`: fp32 on the CPU, bf16 on a GPU, where T5 fits."""
    import torch
    from transformers import CLIPTextModel, T5EncoderModel

    precision = torch.float32 if device.type == "cpu" else torch.bfloat16
    classes = {"text_encoder": CLIPTextModel, "text_encoder_2": T5EncoderModel}
    tokenizers = [*clip_text.load_tokenizers(FAMILY, model, ("tokenizer",)), *load_tokenizers(model)]
    encoders = {
        part: clip_text.load_encoder(FAMILY, kind, model, part, device, precision) for part, kind in classes.items()
    }
    return TextEncoders(dict(zip(classes, tokenizers, strict=True)), encoders)


def encode_text(encoders: TextEncoders, text: str) -> Tensors:
    """What the denoiser is conditioned on: T5's `embeddings` (tokens, width), CLIP's `pooled` (width), on the CPU.

    They stay in the encoders' precision: a caption of dev is 4 MB in bf16. Padding belongs to it, as FLUX was trained.
    """
    return clip_text.encode_once(encode_tokens, encoders, text)


def encode_tokens(encoders: TextEncoders, tokens: Tensors) -> Tensors:
    """The same of stacked captions of `tokenize`: each of them stacked, on the encoders' device, with gradients."""
    return {
        "embeddings": clip_text.read_tokens(encoders, "text_encoder_2", tokens).last_hidden_state,
        "pooled": clip_text.read_tokens(encoders, "text_encoder", tokens).pooler_output,
    }


def load_vae(model: Path, device: torch.device) -> AutoencoderKL:
    """The VAE for `encode_picture`."""
    return autoencoder.load_vae(FAMILY, model, device)


def encode_picture(vae: AutoencoderKL, picture: Tensor) -> Tensor:
    """The latents (16, height, width) of a picture (3, height, width) in [-1, 1], fp32, on the CPU.

    Raises UserError where a side is odd: the transformer sees patches of 2 x 2 latent cells.
    """
    latents = autoencoder.encode_picture(vae, picture)
    if latents.shape[1] % 2 or latents.shape[2] % 2:
        step = 2 * picture.shape[1] // latents.shape[1]
        raise UserError(
            f"crop.bucket_step: FLUX needs frames with sides in multiples of {step}, not "
            f"{picture.shape[2]} x {picture.shape[1]}; set it to a multiple of {step}"
        )
    return latents


def load_denoiser(model: Path, precision: torch.dtype) -> ModelMixin:
    """The transformer alone, frozen, on the CPU, in the given torch dtype."""
    from diffusers import FluxTransformer2DModel

    load = FluxTransformer2DModel.from_pretrained
    transformer = model_folder.load_part(FAMILY, load, model, "transformer", dtype=precision, use_safetensors=True)
    return transformer.requires_grad_(False)


def load_noise_scheduler(model: Path) -> SchedulerMixin:
    """The model's noise scheduler; only its shift matters in training."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return model_folder.load_part(FAMILY, FlowMatchEulerDiscreteScheduler.from_pretrained, model, "scheduler")


def timesteps_at(noise_scheduler: SchedulerMixin, u: Tensor) -> Tensor:
    """The timesteps (count), fractions included, that lie at `u`, in [0, 1), of the way from data to noise."""
    return (u * TIMESTEPS).float()


def shifted(noise_scheduler: SchedulerMixin, u: Tensor, height: int, width: int) -> Tensor:
    """`u` moved towards noise: to a u / (1 + (a - 1) u) with the factor a of latents of this size."""
    factor = shift_factor(noise_scheduler, height, width)
    return factor * u / (1 + (factor - 1) * u)


def shift_factor(noise_scheduler: SchedulerMixin, height: int, width: int) -> float:
    """The factor a of `shifted`: larger pictures need more noise for as little to be seen (Esser et al. 2024).

    For dev a is e^mu with mu a line through `base_shift` and `max_shift` at two numbers of patches, for schnell the
    scheduler's own `shift`, 1.
    """
    config = noise_scheduler.config
    if not config.use_dynamic_shifting:
        return float(config.shift)
    patches = (height // 2) * (width // 2)
    slope = (config.max_shift - config.base_shift) / (config.max_image_seq_len - config.base_image_seq_len)
    return math.exp(config.base_shift + slope * (patches - config.base_image_seq_len))


def _levels(latents: Tensor, timesteps: Tensor) -> Tensor:
    return (timesteps.to(latents) / TIMESTEPS).view(-1, 1, 1, 1)


def add_noise(noise_scheduler: SchedulerMixin, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The noisy latents (count, channels, height, width) at each sample's timestep."""
    level = _levels(latents, timesteps)
    return (1 - level) * latents + level * noise


def target(noise_scheduler: SchedulerMixin, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What the denoiser is to predict: the way from the latents to the noise, whatever the timestep."""
    return noise - latents


def loss_weights(noise_scheduler: SchedulerMixin, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
    """1 for each sample (count): flow matching weighs by how timesteps are drawn, and has no signal-to-noise ratio."""
    import torch

    return torch.ones(len(timesteps))


def pack(latents: Tensor) -> Tensor:
    """Latents (count, channels, height, width) as patches (count, height width / 4, 4 channels), 2 x 2 cells each."""
    count, channels, height, width = latents.shape
    patches = latents.reshape(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(count, height * width // 4, 4 * channels)


def unpack(patches: Tensor, height: int, width: int) -> Tensor:
    """Patches as latents of `height` and `width` cells: the inverse of `pack`."""
    count, _, values = patches.shape
    latents = patches.reshape(count, height // 2, width // 2, values // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return latents.reshape(count, values // 4, height, width)


def patch_positions(height: int, width: int) -> Tensor:
    """The position (0, row, column) of each patch of latents of `height` and `width` cells."""
    import torch

    rows, columns = torch.arange(height // 2), torch.arange(width // 2)
    return torch.cartesian_prod(torch.zeros(1, dtype=torch.long), rows, columns).float()


def predict(denoiser: ModelMixin, noisy: Tensor, timesteps: Tensor, text: Tensors, sizes: Tensor) -> Tensor:
    """The denoiser's prediction (count, channels, height, width) for a batch of one size.

    `text` holds stacked `embeddings` and `pooled`. Words have no position; guidance is 1 where the model takes any.
    """
    import torch

    height, width = noisy.shape[-2:]
    embeddings = text["embeddings"].to(noisy)
    guidance = torch.full_like(timesteps, TRAINING_GUIDANCE) if denoiser.config.guidance_embeds else None
    prediction = denoiser(
        hidden_states=pack(noisy),
        timestep=timesteps / TIMESTEPS,
        guidance=guidance,
        pooled_projections=text["pooled"].to(noisy),
        encoder_hidden_states=embeddings,
        txt_ids=torch.zeros(embeddings.shape[1], 3).to(noisy),
        img_ids=patch_positions(height, width).to(noisy),
    ).sample
    return unpack(prediction, height, width)


def load_pipeline(model: Path, device: torch.device) -> DiffusionPipeline:
    """The whole pipeline for rendering: fp32 on the CPU, bf16 on a GPU, where one part at a time is held.

    T5 reads as many tokens as in training. `guidance_scale` conditions dev; true guidance, with a second prediction
    for an empty prompt, stays off.
    """
    from diffusers import FluxPipeline

    tokens = token_limit(load_tokenizers(model))

    class Pipeline(FluxPipeline):
        def __call__(self, *arguments: object, **options: object) -> FluxPipelineOutput:
            return super().__call__(*arguments, **{"max_sequence_length": tokens, **options})

    pipeline = model_folder.load_pipeline(FAMILY, Pipeline, model, device, RENDER_PRECISION)
    if device.type == "cpu":
        return pipeline
    pipeline.enable_model_cpu_offload(device=device)
    return pipeline


def convert(file: Path, config: Path, folder: Path, prediction: str | None) -> str:
    """Write a transformer of one file in diffusers form; all else is that of a model's folder.

    Returns in words what it predicts. UserError where it is asked to predict anything else.
    """
    from diffusers import FluxTransformer2DModel

    if prediction is not None:
        raise UserError(f"--prediction: {prediction} is for sd15 and sdxl; leave it out, flux is a flow")
    transformer = single_file.load(FluxTransformer2DModel.from_single_file, file, config, subfolder="transformer")
    transformer.save_pretrained(folder / "transformer")
    for part in sorted({pattern.split("/")[0] for pattern in MODEL_FILES} - {"transformer"}):
        for path in sorted((config / part).rglob("*")) if (config / part).is_dir() else [config / part]:
            if path.is_file():
                link_or_copy(path, folder / path.relative_to(config))
    return "it predicts a flow"


def comfyui_names(tensors: Tensors, alpha: float) -> Tensors:
    """LoRA tensors as ComfyUI and Forge read them: diffusers' names with one alpha per module.

    kohya's names fuse q, k and v, which adapters with a rank each do not fit.
    """
    return kohya_names.with_alphas(tensors, alpha)
