"""Settings of the training room."""

from typing import Literal

from pydantic import Field

from darkroom.settings import Settings


class PriorSettings(Settings):
    """What the LoRA shall leave alone: there it is held to what the base model predicts without it."""

    weight: float = Field(0.0, ge=0, description="weight of the prior loss; 0 renders no prior pictures")
    untriggered: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of prior samples that are the subject's frames, captioned without the trigger",
    )
    pictures: int = Field(32, ge=1, description="how many are rendered")
    prompts: list[str] = Field(
        ["a photo of a {class}"], min_length=1, description="prompts in turn; {class} is the subject's class"
    )


class TrainingSettings(Settings):
    """One training of one LoRA. A run may override any of these."""

    optimizer: Literal["adamw", "adamw8bit", "prodigy"] = Field("adamw", description="adamw8bit needs a GPU")
    learning_rate: float = Field(1e-4, gt=0, description="1.0 for prodigy")
    weight_decay: float = Field(0.01, ge=0, description="decoupled weight decay")
    warmup_steps: int = Field(0, ge=0, description="steps over which the rate rises to its value")
    schedule: Literal["constant", "cosine"] = Field("constant", description="the rate after the warm-up")
    rank: int = Field(16, ge=1, description="rank of the LoRA")
    alpha: float = Field(16.0, gt=0, description="the LoRA counts alpha / rank")
    layers: Literal["attention", "attention+feedforward", "all"] = Field(
        "attention", description="which layers of the denoiser get adapters"
    )
    steps: int = Field(1000, ge=1, description="optimizer steps")
    batch: int = Field(1, ge=1, description="frames per step")
    checkpoint_every: int = Field(250, ge=1, description="steps between checkpoints; the last step is always one")
    masked_loss: bool = Field(True, description="weigh the loss by the subject's mask")
    background_weight: float = Field(0.1, ge=0, le=1, description="weight of the loss outside the mask")
    caption_dropout: float = Field(0.05, ge=0, le=1, description="share of samples trained without their caption")
    flip: bool = Field(False, description="also train on mirrored frames, drawn half of the time")
    prior_share: float = Field(0.5, ge=0, le=1, description="prior samples per subject sample, where prior is on")
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    precision: Literal["fp32", "bf16", "fp16"] = Field("bf16", description="precision of the frozen base model")
    gradient_checkpointing: bool = Field(True, description="less memory, about a third slower")
    seed: int = Field(0, description="seed of every random draw")


class ValidationSettings(Settings):
    """The paired loss on held-out frames: always the same noise at the same timesteps."""

    timesteps: int = Field(10, ge=1, description="evenly spaced timesteps per frame")
    frames: int = Field(64, ge=1, description="frames that are judged, at most")
    background_weight: float = Field(0.1, ge=0, le=1, description="weight outside the mask, the same for all runs")
    seed: int = Field(0, description="seed of the noise")
