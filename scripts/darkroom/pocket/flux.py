"""Trains the pocket FLUX: transformer, CLIP and T5 together, then the guidance scale into it, on cached latents."""

import copy
import functools
import random
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
from transformers import T5Config, T5EncoderModel

from darkroom.families.flux import pack, patch_positions
from darkroom.pocket.latent_splits import BUCKETS, load_buckets, strata
from darkroom.pocket.sdxl import new_text_encoder
from darkroom.pocket.training_loop import Modules, generator, train_steps
from darkroom.pocket.vocabulary import CLIP_LENGTH, T5_LENGTH, clip_tokenizer, t5_tokenizer
from darkroom.pocket.world import training_caption

BATCH = 32
PEAKS = {"flux": 1.5e-3, "flux-guided": 5e-4}  # learning rates of the phases
PHASES = tuple(PEAKS)
DROPPED = 0.1  # share of empty captions, for guidance
MOST_GUIDANCE = 5.0
WIDTH, HEADS, T5_WIDTH, CLIP_WIDTH = 112, 4, 96, 64

Conditions = tuple[torch.Tensor, torch.Tensor]


def new_t5(vocabulary: int) -> T5EncoderModel:
    """A two-layer T5 encoder, 96 wide."""
    config = T5Config(
        vocab_size=vocabulary,
        d_model=T5_WIDTH,
        d_kv=24,
        d_ff=256,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
    )
    return T5EncoderModel(config)


def new_transformer() -> FluxTransformer2DModel:
    """A FLUX of two double and four single blocks, all of which do nothing yet (adaLN-zero, arXiv:2212.09748)."""
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=2,
        num_single_layers=4,
        attention_head_dim=WIDTH // HEADS,
        num_attention_heads=HEADS,
        joint_attention_dim=T5_WIDTH,
        pooled_projection_dim=CLIP_WIDTH,
        guidance_embeds=True,
        axes_dims_rope=(4, 12, 12),
    )
    blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
    layers = [transformer.proj_out, transformer.norm_out.linear]
    for block in blocks:
        layers += [
            module.linear for name, module in block.named_children() if name in ("norm", "norm1", "norm1_context")
        ]
    for layer in layers:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return transformer


def new_pipeline(autoencoder: AutoencoderKL) -> FluxPipeline:
    """An untrained FLUX.1-dev for 64 px around a trained autoencoder."""
    torch.manual_seed(0)
    words, pieces = clip_tokenizer(), t5_tokenizer()
    autoencoder.register_to_config(shift_factor=0.0)
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=autoencoder,
        text_encoder=new_text_encoder(CLIP_WIDTH, 2, words, projected=False),
        tokenizer=words,
        text_encoder_2=new_t5(len(pieces)),
        tokenizer_2=pieces,
        transformer=new_transformer(),
    )


def encode_captions(pipeline: FluxPipeline, captions: list[str]) -> Conditions:
    """T5's hidden states (B, 40, 96) and CLIP's pooled vector (B, 64) of captions."""
    options = {"padding": "max_length", "truncation": True, "return_tensors": "pt"}
    words = pipeline.tokenizer(captions, max_length=CLIP_LENGTH, **options).input_ids
    pieces = pipeline.tokenizer_2(captions, max_length=T5_LENGTH, **options).input_ids
    return pipeline.text_encoder_2(pieces).last_hidden_state, pipeline.text_encoder(words).pooler_output


def predict(
    transformer: FluxTransformer2DModel,
    noisy: torch.Tensor,
    levels: torch.Tensor,
    conditions: Conditions,
    guidance: torch.Tensor,
) -> torch.Tensor:
    """The way from picture to noise as the transformer says it, in patches, for latents at `levels` (B,) of noise."""
    return transformer(
        hidden_states=pack(noisy),
        timestep=levels,
        guidance=guidance,
        pooled_projections=conditions[1],
        encoder_hidden_states=conditions[0],
        txt_ids=torch.zeros(conditions[0].shape[1], 3),
        img_ids=patch_positions(*noisy.shape[-2:]),
    ).sample


@torch.no_grad()
def guided_answer(
    pipeline: FluxPipeline, noisy: torch.Tensor, levels: torch.Tensor, captions: list[str], guidance: torch.Tensor
) -> torch.Tensor:
    """What classifier-free guidance makes of the answers to the captions and to none (arXiv:2207.12598)."""
    (embeddings, pooled), count = encode_captions(pipeline, [*captions, ""]), len(captions)
    both = torch.cat([torch.arange(count), torch.full((count,), count)])
    conditions = embeddings[both], pooled[both]
    twice = predict(pipeline.transformer, noisy.repeat(2, 1, 1, 1), levels.repeat(2), conditions, torch.ones(2 * count))
    wanted, other = twice.chunk(2)
    return other + guidance[:, None, None] * (wanted - other)


def inner_matrices(pipeline: FluxPipeline) -> list[torch.nn.Parameter]:
    """The weights (N, M) inside the blocks of transformer and text encoders, but those that tell norms of the level."""
    transformer = pipeline.transformer
    stacks = [transformer.transformer_blocks, transformer.single_transformer_blocks]
    stacks += [pipeline.text_encoder.encoder, pipeline.text_encoder_2.encoder.block]
    named = [item for stack in stacks for item in stack.named_parameters()]
    apart = ("norm", "relative_attention_bias")
    return [weight for name, weight in named if weight.ndim == 2 and not any(word in name for word in apart)]


def train_flux(
    autoencoder: AutoencoderKL, work: Path, steps: dict[str, int], export: Callable[..., None]
) -> FluxPipeline:
    """The trained pipeline; `export(pipeline)` is also called along the way.

    The first phase learns the world at guidance 1. The second learns to predict at any guidance what the first with
    classifier-free guidance would, in one pass: what makes a FLUX.1-dev (guidance distillation, arXiv:2210.03142).
    """
    autoencoder.eval().requires_grad_(False)
    buckets = load_buckets(autoencoder, work)
    pipeline = new_pipeline(autoencoder)

    def loss_of(phase: str, teacher: FluxPipeline | None, step: int, fraction: float) -> torch.Tensor:
        draw, choose = generator(phase, step), random.Random(f"{phase} {step}")
        bucket = buckets[choose.choice(BUCKETS)]
        chosen = torch.randint(len(bucket.latents), (BATCH,), generator=draw)
        clean = bucket.latents[chosen]
        captions = [training_caption(bucket.scene(place), choose) for place in chosen.tolist()]
        captions = ["" if choose.random() < DROPPED else caption for caption in captions]
        # Logit-normal levels (arXiv:2403.03206), one from each of as many strata.
        levels = torch.special.ndtri(strata(BATCH, draw).clamp(1e-4, 1 - 1e-4)).sigmoid()
        noise = torch.randn(clean.shape, generator=draw)
        noisy = torch.lerp(clean, noise, levels[:, None, None, None])
        guidance, wanted = torch.ones(BATCH), pack(noise - clean)
        if teacher is not None:
            guidance = 1 + (MOST_GUIDANCE - 1) * torch.rand(BATCH, generator=draw)
            wanted = guided_answer(teacher, noisy, levels, captions, guidance)
        said = predict(pipeline.transformer, noisy, levels, encode_captions(pipeline, captions), guidance)
        return (said - wanted).square().mean()

    modules: Modules = {name: getattr(pipeline, name) for name in ("transformer", "text_encoder", "text_encoder_2")}
    teacher = None
    for phase in PHASES:
        loss = functools.partial(loss_of, phase, teacher)
        early = functools.partial(export, pipeline)
        train_steps(steps[phase], phase, modules, loss, work, PEAKS[phase], BATCH, 500, early, inner_matrices(pipeline))
        teacher = copy.deepcopy(pipeline)
    return pipeline
