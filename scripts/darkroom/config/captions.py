"""Settings of the captions room."""

import re
import unicodedata
from typing import Literal

from pydantic import Field, field_validator, model_validator

from darkroom.config.base import Settings

CaptionStyle = Literal["sentences", "sentence", "tags"]


PROMPT = (
    "Describe this picture in two or three plain sentences: who or what is shown, what it does or wears, "
    "what is around it, the light, and how near it is. Say only what is visible, decisively."
)


class CaptionerSettings(Settings):
    """The model that describes photos; which kind of model it is, is told by its files."""

    model: str = Field(
        "florence-community/Florence-2-large-ft",
        description="a folder or an id of the Hub: Florence-2, an image-text-to-text model, or a tagger",
    )
    revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    task: Literal["<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>"] = Field(
        "<DETAILED_CAPTION>", description="how much Florence-2 says"
    )
    grounding: bool = Field(
        False, description="let Florence-2 look again, and drop the side objects for which it finds no region"
    )
    beams: int = Field(3, ge=1, description="beams of Florence-2; more are slower and a little better")
    prompt: str = Field(PROMPT, min_length=1, description="what an image-text-to-text model is asked")
    max_tokens: int = Field(256, ge=8, description="longest answer in tokens")
    tag_threshold: float = Field(0.35, ge=0.1, le=1, description="least probability of a tagger's general tags")
    character_threshold: float = Field(
        0.85, ge=0.1, le=1, description="least probability of a tagger's tags of known characters"
    )
    batch: int = Field(4, ge=1, description="photos per forward pass")


class SubjectSettings(Settings):
    """What the LoRA is about."""

    trigger: str = Field(min_length=1, description="the word that calls the subject, such as jenna_char")
    subject_class: str = Field(alias="class", min_length=1, description="the common word for it, such as woman")
    kind: Literal["character", "object", "style"] = Field("character", description="what the trigger shall absorb")

    @property
    def phrase(self) -> str:
        """What calls the subject in a prompt: trigger and class."""
        return f"{self.trigger} {self.subject_class}"

    @field_validator("trigger", "subject_class")
    @classmethod
    def _plain_words(cls, value: str) -> str:
        hidden = any(unicodedata.category(sign).startswith("C") for sign in value if sign != "\u200d")
        if hidden or value != " ".join(value.split()):
            raise ValueError("give it on one line, without blanks around it, double blanks and invisible signs")
        if "," in value:
            raise ValueError("a comma separates tags; give it without one")
        if not re.search(r"\w", value):
            raise ValueError("it holds no letter and no digit; give a word")
        return unicodedata.normalize("NFC", value)

    @field_validator("subject_class")
    @classmethod
    def _without_article(cls, value: str) -> str:
        if re.match(r"(?:an?|the) ", value, re.IGNORECASE):
            raise ValueError(f"give the word without its article: {value.split(' ', 1)[1]}")
        return value

    @model_validator(mode="after")
    def _two_words(self) -> "SubjectSettings":
        if set(self.trigger.lower().split()) & set(self.subject_class.lower().split()):
            raise ValueError(
                f"the trigger '{self.trigger}' and the class '{self.subject_class}' share a word; make up a word for "
                "the trigger that is in no caption, such as zxq"
            )
        return self


class RewritingSettings(Settings):
    """The captions of a target: their style and what is said in them."""

    style: CaptionStyle = Field("sentence", description="flowing sentences, one sentence, or tags")
    prefix: list[str] = Field([], description="tags before all others, such as [masterpiece, best quality]")
    underscores: bool = Field(False, description="write tags with underscores: long_hair")
    max_tokens: int | None = Field(None, ge=8, description="longest caption in tokens; by default what fits")
    polish: str | None = Field(
        None, description="a folder or an id of the Hub: an instruct model that may join a caption more fluently"
    )
    polish_revision: str = Field("main", description="branch, tag or commit of an id of the Hub")

    @model_validator(mode="after")
    def _only_where_it_is_said(self) -> "RewritingSettings":
        if self.style != "tags" and (self.prefix or self.underscores):
            raise ValueError("prefix and underscores are for style: tags")
        if self.style == "tags" and self.polish is not None:
            raise ValueError("polish is for style: sentences and style: sentence; leave it out")
        return self
