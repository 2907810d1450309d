"""Settings of the framing room."""

from pydantic import Field

from darkroom.settings import Settings

# The model that `make setup` installs.
SETUP_MODEL = "resources/models/u2netp.onnx"


class MaskSettings(Settings):
    """The model that finds the subject."""

    model: str = Field(SETUP_MODEL, description="an ONNX segmentation model (U-2-Net family)")
    side: int = Field(320, ge=32, description="side in pixels of the square that the model sees")
    supplied: str | None = Field(None, description="a folder of your own masks, which win over the model's")


class QualitySettings(Settings):
    """How raw scores are measured."""

    side: int = Field(1024, ge=64, description="larger photos are measured at this longer side, in pixels")


class SelectionSettings(Settings):
    """Which photos are good enough. Changing a threshold recomputes no score."""

    min_side: int = Field(512, ge=1, description="shorter side in pixels")
    min_sharpness: float = Field(0.3, ge=0, le=1, description="smallest `sharpness` of quality.csv")
    min_exposure: float = Field(0.2, ge=0, le=1, description="smallest `exposure` of quality.csv")
    min_coverage: float = Field(0.01, ge=0, le=1, description="smallest share of the photo that is subject")
    max_coverage: float = Field(0.98, ge=0, le=1, description="largest share of the photo that is subject")
    keep_per_burst: int = Field(1, ge=0, description="sharpest photos kept of a burst; 0 keeps all")
    held_out: float = Field(0.1, ge=0, le=0.5, description="share of the photos kept aside for validation")


class CropSettings(Settings):
    """How photos become frames of a target."""

    resolution: int = Field(1024, ge=32, description="side in pixels of the square with the area of a bucket")
    bucket_step: int = Field(64, ge=8, description="both sides of a bucket are multiples of this, in pixels")
    max_aspect: float = Field(2.0, ge=1, le=4, description="longest side over shortest side of a bucket")
    upscale: bool = Field(False, description="enlarge photos that are smaller than their bucket")
