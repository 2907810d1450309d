"""The captions of all frames of a target: what the set decides, then each description on its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from darkroom.captions.caption_sources import Description
from darkroom.captions.description import clean_text
from darkroom.captions.parsing import parse
from darkroom.captions.rewriting import rewrite
from darkroom.captions.set_decisions import constant_traits
from darkroom.captions.silence import says_nothing
from darkroom.captions.token_counts import TokenCounts
from darkroom.captions.trait_lists import Key
from darkroom.config.captions import RewritingSettings, SubjectSettings
from darkroom.contracts.caption_tables import FrameCaption
from darkroom.contracts.trigger import without_trigger


@dataclass(frozen=True)
class Target:
    """What captions of a target are written for."""

    subject: SubjectSettings
    settings: RewritingSettings
    counts: TokenCounts


def decide(machine: Mapping[str, str], photos: Iterable[str], subject: SubjectSettings) -> frozenset[Key]:
    """What the captioner's descriptions of these photos have in common; empty ones and refusals do not count.

    Only the captioner decides, also for photos that a user describes: a caption corrected by hand changes no other.
    """
    wanted = set(photos)
    said = [text for photo, text in machine.items() if photo in wanted and not says_nothing(text)]
    return constant_traits([parse(text, subject) for text in said])


def caption_frames(
    frames: Mapping[str, str], described: Mapping[str, Description], target: Target, constant: frozenset[Key]
) -> list[FrameCaption]:
    """The captions of a target for the photo of each frame. The set decides nothing in a user's words."""
    rows = []
    for frame, photo in frames.items():
        said = described[photo]
        own = said.source != "captioner"
        decided = frozenset() if own else constant
        # What a captioner refuses to describe is left to trigger and class, and the audit tells it.
        words = "" if not own and says_nothing(said.text) else said.text
        text = rewrite(words, target.subject, target.settings, target.counts.count, target.counts.limit, decided, own)
        rows.append(captioned(frame, text, target, said.source, clean_text(said.text)))
    return rows


def captioned(frame: str, text: str, target: Target, source: str, description: str, polished: str = "") -> FrameCaption:
    """The caption of a frame with what is known of it: the same without the trigger, and its tokens."""
    plain = without_trigger(text, target.subject.trigger)
    return FrameCaption(frame, text, target.counts.count(text), plain, source, description, polished)
