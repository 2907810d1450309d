"""Trains the pocket SDXL: UNet and both text encoders together, on cached latents of the world."""

import functools
import random
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from darkroom.pocket.latent_splits import BUCKETS, Bucket, load_buckets, strata
from darkroom.pocket.training_loop import Modules, generator, train_steps
from darkroom.pocket.vocabulary import CLIP_LENGTH, clip_tokenizer
from darkroom.pocket.world import training_caption

BATCH = 32
PHASES = ("sdxl", "sdxl-again")  # runs one after the other, each with its own warm-up and cosine
TOY_SHARE, TOY_WEIGHT = 0.5, 5.0  # of the first phase's loss at least, by weighing its cells up to so many times
SNR_GAMMA = 5.0  # min-SNR weighting (Hang et al. 2023, arXiv 2303.09556): little is learnt about shape at low noise
DROPPED = 0.1  # share of captions replaced by zeros, for classifier-free guidance


def new_text_encoder(width: int, heads: int, tokenizer: CLIPTokenizer, projected: bool):  # type: ignore[no-untyped-def]
    """A three-layer CLIP text model; SDXL reads its last but one layer."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=3,
        num_attention_heads=heads,
        max_position_embeddings=CLIP_LENGTH,
        projection_dim=width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)
    embeddings = (model.text_model if projected else model).get_input_embeddings()
    # The last but one layer is not normalised: CLIP's tiny initial embeddings would hardly reach the UNet.
    torch.nn.init.normal_(embeddings.weight, std=0.5)
    return model


def new_pipeline(autoencoder: AutoencoderKL) -> StableDiffusionXLPipeline:
    """An untrained SDXL for 64 px around a trained autoencoder: v-prediction with zero terminal SNR."""
    torch.manual_seed(0)
    tokenizers = clip_tokenizer(), clip_tokenizer()
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 96, 128),
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=(2, 4, 4),  # diffusers' name for the number of heads
        cross_attention_dim=64 + 96,
        norm_num_groups=16,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=96 + 6 * 32,
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
    )
    return StableDiffusionXLPipeline(
        vae=autoencoder,
        text_encoder=new_text_encoder(64, 2, tokenizers[0], projected=False),
        text_encoder_2=new_text_encoder(96, 3, tokenizers[1], projected=True),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=unet,
        scheduler=scheduler,
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )


def toy_weights(boxes: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Weights (2 * N, height / 4, width / 4) of latent cells for boxes (N, 4) in pixels, plain and mirrored.

    Shape is told by few cells of a far toy: in its box they weigh more, 1 everywhere else. For the first phase alone:
    weights that depend on the picture bend what the model draws towards where they are large (see docs/pocket.md).
    """
    x, y = torch.arange(width // 4) * 4 + 2, torch.arange(height // 4) * 4 + 2
    wide = (x >= boxes[:, :1]) & (x < boxes[:, 2:3])
    inside = (y >= boxes[:, 1:2])[..., None] & (y < boxes[:, 3:])[..., None] & wide[:, None]
    weight = (TOY_SHARE / inside.float().mean((1, 2)).clamp(min=1e-3)).clamp(1, TOY_WEIGHT)
    weights = torch.where(inside, weight[:, None, None], 1.0)
    return torch.cat([weights, weights.flip(-1)])


def encode_captions(
    pipeline: StableDiffusionXLPipeline, captions: list[str], kept: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states (B, 48, 160) and pooled (B, 96); zeros where `kept` (B,) is 0, as the pipeline does for ''."""
    tokens = pipeline.tokenizer(
        captions, padding="max_length", max_length=CLIP_LENGTH, truncation=True, return_tensors="pt"
    ).input_ids
    first = pipeline.text_encoder(tokens, output_hidden_states=True)
    second = pipeline.text_encoder_2(tokens, output_hidden_states=True)
    hidden = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    return hidden * kept[:, None, None], second.text_embeds * kept[:, None]


def time_ids(bucket: Bucket, count: int, draw: torch.Generator) -> torch.Tensor:
    """SDXL's six numbers (B, 6): original size, crop, target size; sometimes those of a cropped larger photo."""
    target = torch.tensor([bucket.height, bucket.width]).expand(count, 2)
    photo = torch.randint(64, 1024, (count, 2), generator=draw)
    corner = torch.randint(0, 64, (count, 2), generator=draw)
    larger = torch.rand(count, 1, generator=draw) < 0.3
    return torch.cat([torch.where(larger, photo, target), torch.where(larger, corner, 0), target], dim=1).float()


def train_sdxl(
    autoencoder: AutoencoderKL, work: Path, steps: dict[str, int], export: Callable[..., None]
) -> StableDiffusionXLPipeline:
    """The trained pipeline; `export(pipeline)` is also called along the way."""
    autoencoder.eval().requires_grad_(False)
    buckets = load_buckets(autoencoder, work)
    toys = {bucket.width: toy_weights(bucket.boxes, bucket.width, bucket.height) for bucket in buckets.values()}
    pipeline = new_pipeline(autoencoder)
    signal = pipeline.scheduler.alphas_cumprod

    def loss_of(phase: str, step: int, fraction: float) -> torch.Tensor:
        draw, choose = generator(phase, step), random.Random(f"{phase} {step}")
        bucket = buckets[choose.choice(BUCKETS)]
        chosen = torch.randint(len(bucket.latents), (BATCH,), generator=draw)
        clean = bucket.latents[chosen]
        captions = [training_caption(bucket.scene(place), choose) for place in chosen.tolist()]
        hidden, pooled = encode_captions(pipeline, captions, (torch.rand(BATCH, generator=draw) >= DROPPED).float())
        times = (strata(BATCH, draw) * len(signal)).long()
        alpha = signal[times][:, None, None, None].sqrt()
        sigma = (1 - signal[times])[:, None, None, None].sqrt()
        noise = torch.randn(clean.shape, generator=draw)
        velocity = pipeline.unet(
            alpha * clean + sigma * noise,
            times,
            encoder_hidden_states=hidden,
            added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids(bucket, BATCH, draw)},
        ).sample
        errors = (velocity - (alpha * noise - sigma * clean)).square().mean(1)
        # For v-prediction the weight min(SNR + 1, gamma) / (SNR + 1); SNR + 1 is 1 / sigma ^ 2, and 1 at the last step.
        weights = toys[bucket.width][chosen] if phase == PHASES[0] else torch.ones_like(errors)
        return (weights * (SNR_GAMMA * sigma[..., 0].square()).clamp(max=1) * errors).sum() / weights.sum()

    modules: Modules = {name: getattr(pipeline, name) for name in ("unet", "text_encoder", "text_encoder_2")}
    for phase in PHASES:
        train_steps(
            steps[phase],
            phase,
            modules,
            functools.partial(loss_of, phase),
            work,
            1.5e-3,
            BATCH,
            average_over=500,
            export=lambda: export(pipeline),
        )
    return pipeline
