"""Settings of the framing room."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from darkroom.config.base import Settings

SMALLEST_SIDE = 32
Side = Annotated[int, Field(ge=SMALLEST_SIDE)]

# The model that `make setup` installs.
SETUP_MODEL = "resources/models/u2netp.onnx"


class MaskSettings(Settings):
    """The models that find the subject."""

    model: str = Field(
        SETUP_MODEL,
        description="what finds the subject: a salient-object network (an ONNX file), or a folder or id of the Hub "
        "of a Florence-2 or SAM model",
    )
    revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    network: Literal["u2net", "isnet", "isnet-anime", "birefnet"] | None = Field(
        None, description="family of an ONNX network whose file name does not tell it"
    )
    box_model: str | None = Field(
        None, description="what finds the box in which a SAM model segments: an ONNX network or a Florence-2"
    )
    box_revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    second: str | None = Field(None, description="a second model, whose masks are compared with those of the first")
    second_revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    supplied: str | None = Field(None, description="a folder of your own masks, which win over the model's")


class QualitySettings(Settings):
    """How raw scores are measured."""

    side: int = Field(1024, ge=64, description="larger photos are measured at this longer side, in pixels")


class AestheticSettings(Settings):
    """How much people like a photo, where you have a head that tells."""

    head: str | None = Field(None, description="a linear head (safetensors) on the vectors of `duplicates.embedding`")


class SelectionSettings(Settings):
    """Which photos are good enough. Changing a threshold recomputes no score."""

    min_side: int = Field(512, ge=1, description="shorter side in pixels")
    min_subject_side: int = Field(
        64, ge=0, description="side in pixels of a square as large as the subject, `subject_side` of quality.csv"
    )
    min_sharpness: float = Field(0.18, ge=0, le=1, description="smallest `sharpness` of quality.csv")
    min_exposure: float = Field(0.2, ge=0, le=1, description="smallest `exposure` of quality.csv")
    min_noise: float = Field(0.0, ge=0, le=60, description="smallest `noise` of quality.csv, in decibels")
    min_compression: float = Field(0.0, ge=0, le=1, description="smallest `compression` of quality.csv")
    min_unblocked: float = Field(0.0, ge=0, le=1, description="smallest `unblocked` of quality.csv")
    min_filled: float = Field(0.5, ge=0, le=1, description="smallest `filled` of quality.csv")
    min_aesthetic: float | None = Field(None, description="smallest `aesthetic`, in the units of `aesthetic.head`")
    min_coverage: float = Field(0.01, ge=0, le=1, description="smallest share of the photo that is subject")
    max_coverage: float = Field(0.98, ge=0, le=1, description="largest share of the photo that is subject")
    keep_per_burst: int = Field(1, ge=0, description="sharpest photos kept of a burst; 0 keeps all")
    count: int | None = Field(
        None, ge=1, description="best photos kept in all, held-out ones included; all where empty"
    )
    quality_weight: float = Field(
        0.5, ge=0, description="what quality weighs beside variety where `count` keeps only the best"
    )
    held_out: float = Field(0.1, ge=0, le=0.5, description="share of the photos kept aside for validation")
    min_agreement: float = Field(
        0.7, ge=0, le=1, description="smallest trusted `agreement` of two models, and `looks` of one"
    )
    sure_agreement: float = Field(0.9, ge=0, le=1, description="`agreement` from which a mask is trusted in any case")
    min_expected: float = Field(0.82, ge=0, le=1, description="smallest trusted `expected` of masks.csv")
    min_largest: float = Field(0.98, ge=0, le=1, description="smallest trusted `largest` of masks.csv")

    @model_validator(mode="after")
    def _coverage_is_possible(self) -> "SelectionSettings":
        if self.min_coverage >= self.max_coverage:
            raise ValueError(
                f"min_coverage: {self.min_coverage:g} is not below max_coverage ({self.max_coverage:g}): no photo fits"
            )
        return self


class CropSettings(Settings):
    """How photos become frames of a target."""

    resolution: Side | Annotated[list[Side], Field(min_length=1)] = Field(
        1024,
        description="side in pixels of the square with the area of a bucket; several, such as [1024, 768, 512], "
        "give each photo a frame of each",
    )
    bucket_step: int = Field(64, ge=8, description="both sides of a bucket are multiples of this, in pixels")
    max_aspect: float = Field(2.0, ge=1, le=4, description="longest side over shortest side of a bucket")
    max_loss: float = Field(
        0.4, ge=0, le=1, description="most of a photo that may be cut off for a full batch, as a share of its area"
    )
    upscale: bool = Field(False, description="enlarge photos that are smaller than their bucket")
    background: Literal["photo", "grey", "blurred", "noise"] = Field(
        "photo", description="what is shown around the subject: the photo itself, or something in its place"
    )
    variants: list[Literal["full", "half", "head"]] = Field(
        [], description="closer views of the subject's box beside each photo: all of it, its upper half or quarter"
    )

    @field_validator("resolution", mode="before")
    @classmethod
    def _sides_are_numbers(cls, value: Any) -> Any:
        """One error in place of one for each form that a resolution may have."""
        sides = value if isinstance(value, list | tuple) and value else [value]
        if not all(type(side) is int and side >= SMALLEST_SIDE for side in sides):
            raise ValueError(f"give pixels, at least {SMALLEST_SIDE}, such as 1024, or several: [1024, 768, 512]")
        return value

    @model_validator(mode="after")
    def _sizes_fit(self) -> "CropSettings":
        if self.bucket_step % 8:
            raise ValueError(f"bucket_step: {self.bucket_step} is no multiple of 8, as the sides of every model are")
        for side in self.resolutions:
            if self.resolutions.count(side) > 1:
                raise ValueError(f"resolution: {side} is there twice; give each once")
            if side % self.bucket_step:
                nearest = max(1, round(side / self.bucket_step)) * self.bucket_step
                raise ValueError(
                    f"resolution: {side} is no multiple of bucket_step ({self.bucket_step}), so no bucket is "
                    f"square; set it to {nearest}"
                )
        return self

    @property
    def resolutions(self) -> tuple[int, ...]:
        """All resolutions, the largest first."""
        several = [self.resolution] if isinstance(self.resolution, int) else self.resolution
        return tuple(sorted(several, reverse=True))

    @property
    def image_size(self) -> int:
        """The largest resolution, at which pictures are rendered, too."""
        return self.resolutions[0]

    def at(self, resolution: int) -> "CropSettings":
        """The same settings with this resolution alone."""
        return self.model_copy(update={"resolution": resolution})
