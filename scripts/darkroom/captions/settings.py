"""Settings of the captions room."""

from typing import Literal

from pydantic import Field

from darkroom.settings import Settings

CaptionStyle = Literal["sentences", "sentence", "tags"]


class CaptionerSettings(Settings):
    """The Florence-2 model that describes photos."""

    model: str = Field("florence-community/Florence-2-large-ft", description="a folder or an id of the Hub")
    revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    task: Literal["<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>"] = Field(
        "<DETAILED_CAPTION>", description="how much the captioner says"
    )
    beams: int = Field(3, ge=1, description="beams of the search; more are slower and a little better")
    max_tokens: int = Field(256, ge=8, description="longest answer in tokens")
    batch: int = Field(4, ge=1, description="photos per forward pass")


class SubjectSettings(Settings):
    """What the LoRA is about."""

    trigger: str = Field(min_length=1, description="the word that calls the subject, such as jenna_char")
    subject_class: str = Field(alias="class", min_length=1, description="the common word for it, such as woman")
    kind: Literal["character", "object", "style"] = Field("character", description="what the trigger shall absorb")


class RewritingSettings(Settings):
    """The dialect of a target."""

    style: CaptionStyle = Field("sentence", description="flowing sentences, one sentence, or tags")
    max_tokens: int | None = Field(None, ge=8, description="longest caption in tokens; by default what fits")
