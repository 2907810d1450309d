"""Settings of the training room."""

import json
from dataclasses import dataclass, fields
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from darkroom.config.base import ComputeSettings, Settings, check_prompts
from darkroom.contracts.checkpoint_files import checkpoint_steps
from darkroom.errors import UserError
from darkroom.families.base import ModelFamily
from darkroom.storage.files import canonical_json

# Prodigy multiplies the rate that it finds by its own, so that a small one stops it; from here on others diverge.
PRODIGY_RATES = 0.1
# Names of files hold six digits of a step; each checkpoint is rendered by a job of its own, and one column of a grid.
MOST_STEPS, MOST_CHECKPOINTS = 999_999, 250


class PriorSettings(Settings):
    """What the LoRA shall leave alone: there it is held to what the base model predicts without it."""

    weight: float = Field(
        0.0, ge=0, description="weight of the prior loss; 0 renders no prior pictures, and the keys below do nothing"
    )
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

    @field_validator("prompts")
    @classmethod
    def _prompts_can_be_used(cls, prompts: list[str]) -> list[str]:
        check_prompts(prompts, "class")
        return prompts


class TextEncoderSettings(Settings):
    """The adapters of the text encoders, where they do not stay frozen."""

    rank: int = Field(ge=1, description="rank of the text encoders' adapters")
    alpha: float = Field(gt=0, description="they count alpha / rank")
    learning_rate: float = Field(gt=0, description="their own rate, usually below the denoiser's")


class TrainingSettings(Settings):
    """One training of one LoRA. A run may override any of these."""

    optimizer: Literal["adamw", "adamw8bit", "prodigy", "schedulefree", "adafactor"] = Field(
        "adamw", description="adamw8bit and adafactor need less memory; prodigy finds its rate"
    )
    learning_rate: float = Field(1e-4, gt=0, description="below 0.1, but 1.0 for prodigy")
    d_coef: float = Field(1.0, gt=0, description="for prodigy: its estimate of the rate is multiplied by this")
    weight_decay: float = Field(0.01, ge=0, description="decoupled weight decay")
    warmup_steps: int = Field(0, ge=0, description="steps over which the rate rises to its value")
    lr_schedule: Literal["constant", "cosine"] = Field("constant", description="the rate after the warm-up")
    rank: int = Field(16, ge=1, description="rank of the LoRA")
    alpha: float = Field(16.0, gt=0, description="the LoRA counts alpha / rank")
    layers: Literal["attention", "attention+feedforward", "all"] = Field(
        "attention", description="which layers of the denoiser get adapters"
    )
    text_encoder: TextEncoderSettings | None = Field(
        None,
        description="adapters of the text encoders of sd15 and sdxl, as {rank, alpha, learning_rate}; null: none",
    )
    steps: int = Field(1000, ge=1, le=MOST_STEPS, description="optimizer steps")
    batch: int = Field(1, ge=1, description="frames per step")
    micro_batch: int | None = Field(
        None, ge=1, description="samples in memory at once, where a step has more; null: all of one size"
    )
    ema_decay: float | None = Field(
        None, gt=0, lt=1, description="checkpoints hold a moving average of the weights, such as 0.99; null: none"
    )
    checkpoint_every: int = Field(250, ge=1, description="steps between checkpoints; the last step is always one")
    masked_loss: bool = Field(True, description="weigh the loss by the subject's mask")
    background_weight: float = Field(
        0.1, ge=0, le=1, description="weight of the loss outside the mask, where masked_loss is on"
    )
    background_prior: bool = Field(
        False, description="outside the mask the target is what the base model predicts, in place of the photo"
    )
    timesteps: Literal["uniform", "logit-normal"] | None = Field(
        None, description="how timesteps are drawn; null: as the family's base model was trained"
    )
    min_snr_gamma: float | None = Field(
        None, gt=0, description="steps of little noise count less, such as 5; null: all count the same"
    )
    noise_offset: float = Field(
        0.0, ge=0, description="noise added to whole channels, for very dark or bright pictures"
    )
    caption_dropout: float = Field(0.05, ge=0, le=1, description="share of samples trained without their caption")
    flip: bool = Field(False, description="also train on mirrored frames, drawn half of the time")
    prior_share: float = Field(
        0.5, ge=0, le=1, description="prior samples per subject sample, where prior is on; 0 trains a run without it"
    )
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    precision: Literal["fp32", "bf16", "fp16"] = Field("bf16", description="precision of the frozen base model")
    gradient_checkpointing: bool = Field(True, description="less memory, about a third slower")
    seed: int = Field(0, description="seed of every random draw")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.optimizer == "schedulefree" and self.lr_schedule != "constant":
            raise ValueError("training.optimizer schedulefree needs no schedule; set training.lr_schedule: constant")
        if self.optimizer == "schedulefree" and self.ema_decay is not None:
            raise ValueError("training.optimizer schedulefree averages by itself; set training.ema_decay: null")
        if self.optimizer != "prodigy" and self.d_coef != 1:
            raise ValueError(f"training.d_coef is for prodigy only, not for {self.optimizer}; leave it out")
        if self.background_prior and not self.masked_loss:
            raise ValueError("training.background_prior needs the masks; set training.masked_loss: true")
        if self.text_encoder is not None and self.optimizer == "prodigy":
            raise ValueError(
                "training.text_encoder has a rate of its own, and prodigy finds one for all weights; "
                "choose another training.optimizer or set training.text_encoder: null"
            )
        return self

    @model_validator(mode="after")
    def _rates_suit_the_optimizer(self) -> Self:
        if self.optimizer == "prodigy" and self.learning_rate < PRODIGY_RATES:
            raise ValueError(
                f"training.learning_rate: prodigy finds the rate by itself and needs 1.0 (it is "
                f"{self.learning_rate:g}); set it to 1.0"
            )
        rates = {"learning_rate": self.learning_rate}
        if self.text_encoder is not None:
            rates["text_encoder.learning_rate"] = self.text_encoder.learning_rate
        for name, rate in rates.items():
            if self.optimizer != "prodigy" and rate >= PRODIGY_RATES:
                raise ValueError(
                    f"training.{name}: {self.optimizer} diverges at {rate:g}, a rate for prodigy; set it below "
                    f"{PRODIGY_RATES:g}, such as 0.0001"
                )
        return self

    @model_validator(mode="after")
    def _checkpoints_can_be_compared(self) -> Self:
        count = len(checkpoint_steps(self.steps, self.checkpoint_every))
        if count > MOST_CHECKPOINTS:
            raise ValueError(
                f"training.checkpoint_every: every {self.checkpoint_every} of {self.steps} steps makes {count} "
                f"checkpoints, and at most {MOST_CHECKPOINTS} are rendered and compared; raise it"
            )
        return self

    @model_validator(mode="after")
    def _nothing_is_set_in_vain(self) -> Self:
        if self.warmup_steps >= self.steps:
            raise ValueError(
                f"training.warmup_steps: {self.warmup_steps} of {self.steps} steps leave none at the full rate; lower "
                "it or raise training.steps"
            )
        if self.background_prior and self.background_weight == 0:
            raise ValueError(
                "training.background_prior holds what training.background_weight: 0 leaves out of the loss; "
                "raise training.background_weight"
            )
        return self


def check_family(settings: TrainingSettings, family: ModelFamily) -> None:
    """Raise UserError where a setting is made for other families: for other text encoders, or for noise and v.

    Flow matching knows no signal-to-noise ratio of this kind, and begins at plain noise, which nothing may offset.
    """
    for name, off, word in (("min_snr_gamma", None, "null"), ("noise_offset", 0.0, "0")):
        if family.FLOW_MATCHING and getattr(settings, name) != off:
            raise UserError(
                f"training.{name}: it is for models that predict noise or v, not for flow matching as {family.FAMILY} "
                f"does; set it to {word}"
            )
    if settings.text_encoder is not None and not family.TEXT_LAYERS:
        raise UserError(
            f"training.text_encoder: the text encoders of {family.FAMILY} stay frozen; set it to null (sd15 and sdxl "
            "can adapt theirs)"
        )


def share_of_prior(settings: TrainingSettings, prior: PriorSettings) -> float:
    """The prior samples per frame of a training: none where the prior is off."""
    return settings.prior_share if prior.weight > 0 else 0.0


def check_compute(settings: TrainingSettings, prior: PriorSettings, compute: ComputeSettings) -> None:
    """Raise UserError where a training cannot run on what `compute` offers, or would leave some of it without work."""
    if compute.device == "cpu" and settings.precision == "fp16":
        raise UserError(
            "training.precision: fp16 trains on GPUs only, and compute.device is cpu; set training.precision: bf16 or "
            "fp32"
        )
    samples = settings.batch + int(settings.batch * share_of_prior(settings, prior))
    if compute.training_processes > samples:
        raise UserError(
            f"compute.training_processes: {compute.training_processes} processes cannot divide a step of {samples} "
            f"samples; set it to {samples} or fewer, or raise training.batch"
        )


class ValidationSettings(Settings):
    """The fixed-noise validation loss on held-out frames: always the same noise at the same timesteps."""

    timesteps: int = Field(10, ge=1, description="evenly spaced timesteps per frame")
    frames: int = Field(64, ge=1, description="validation frames, at most")
    background_weight: float = Field(0.1, ge=0, le=1, description="weight outside the mask, the same for all runs")
    seed: int = Field(0, description="seed of the noise")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes of a LoRA besides the model and the encodings."""

    training: TrainingSettings
    prior: PriorSettings
    validation: ValidationSettings
    compute: ComputeSettings

    def to_argument(self) -> str:
        """The recipe as canonical JSON: a Snakemake param and the value of train_lora's `--recipe`."""
        return canonical_json({field.name: getattr(self, field.name).model_dump(mode="json") for field in fields(self)})

    @classmethod
    def from_argument(cls, text: str) -> Self:
        """The recipe of `--recipe`; UserError, one line, where it is no JSON, or a key or value is wrong."""
        try:
            groups = {name: canonical_json(part) for name, part in json.loads(text).items()}
        except (ValueError, AttributeError):
            groups = {}
        names = [field.name for field in fields(cls)]
        if sorted(groups) != sorted(names):
            raise UserError(f"Recipe as JSON: it holds {', '.join(groups) or 'nothing'}, not {', '.join(names)}")
        return cls(
            TrainingSettings.from_argument(groups["training"]),
            PriorSettings.from_argument(groups["prior"]),
            ValidationSettings.from_argument(groups["validation"]),
            ComputeSettings.from_argument(groups["compute"]),
        )
