"""Settings of the photos room."""

from pydantic import Field

from darkroom.config.base import Settings


class OpeningSettings(Settings):
    """How photos are opened."""

    max_megapixels: float = Field(200.0, gt=0, description="larger pictures are refused (decompression bombs)")


class DuplicateSettings(Settings):
    """When two photos are the same picture."""

    hash_distance: int = Field(
        90, ge=0, le=256, description="largest distance of 256-bit perceptual hashes worth a closer look"
    )
    min_shared_features: int = Field(
        4, ge=2, description="fewest local features in common, turned and scaled alike, worth a closer look"
    )
    min_correlation: float = Field(
        0.8, ge=0, le=1, description="smallest local correlation (lowest decile) of the overlap of two copies"
    )
    embedding: str | None = Field(
        None, description="a model of open_clip, a folder or an id of the Hub, whose neighbours get a closer look, too"
    )
    embedding_revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    min_similarity: float = Field(
        0.9, ge=-1, le=1, description="smallest cosine of two photos in that model worth a closer look"
    )
    burst_seconds: float = Field(2.0, ge=0, description="shots of one burst are at most this far apart")
