"""The audit of a target's captions: errors that must not be trained on, and warnings about the set."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Literal

from darkroom.captions.near_duplicates import near_duplicates
from darkroom.captions.silence import says_nothing
from darkroom.captions.tag_lists import is_tag_list
from darkroom.captions.word_classes import DETERMINERS, LONG_PREPOSITIONS, PREPOSITIONS, words
from darkroom.config.captions import CaptionStyle, RewritingSettings, SubjectSettings
from darkroom.contracts.caption_tables import AuditRow
from darkroom.contracts.trigger import count_trigger, without_trigger
from darkroom.photo_folder.photo_table import PhotoFile

FUSED_SHARE = 0.85
FEWEST_CAPTIONS = 4
LONG_TRIGGER = 4  # tokens
LONG_TAG = 8  # words
FUNCTION_WORDS = (
    DETERMINERS
    | PREPOSITIONS
    | words("of is are was were be been has have had and or but it she he they him them not no seen shown visible")
)
# "In front of" names no front.
JOINING_PHRASES = re.compile(rf"\b(?:{'|'.join(LONG_PREPOSITIONS)})\b")


@dataclass(frozen=True)
class Captioned:
    """A frame's caption with its tokens, the description it was made of, and what the captioner said of the photo."""

    frame: str
    caption: str
    tokens: int
    machine: str
    description: str


@dataclass(frozen=True)
class Finding:
    """A finding of the audit. `share` of the frames; `cause` of a fused word: `photos` or `captions`."""

    level: Literal["error", "warning"]
    finding: str
    words: str = ""
    share: float | None = None
    cause: str = ""
    frames: str = ""

    def row(self, files: Mapping[str, str]) -> AuditRow:
        """The row of audit.csv; `files` gives the file name of a frame's photo."""
        return AuditRow(**asdict(self), files=" / ".join(files[frame] for frame in self.frames.split()))


def audit_captions(
    captions: Sequence[Captioned],
    subject: SubjectSettings,
    settings: RewritingSettings,
    limit: int,
    trigger_tokens: int,
) -> list[Finding]:
    """All findings about the captions of a target, errors first.

    Errors: a caption is empty, has the trigger not once, or is longer than `limit` tokens. What concerns the set is
    looked for from four captions on.
    """
    found = [*_errors(captions, subject.trigger, limit), *_caption_style(captions, settings.style)]
    found += _silent(captions, subject, settings.prefix)
    if trigger_tokens > LONG_TRIGGER:
        found.append(Finding("warning", f"trigger of {trigger_tokens} tokens", subject.trigger))
    if len(captions) >= FEWEST_CAPTIONS:
        said = {row.frame: content_words(row.caption, subject) for row in captions}
        found += [*_fused(captions, said), *_alike(said)]
    return sorted(found, key=lambda finding: (finding.level, finding.finding, finding.words, finding.frames))


def audit_sidecars(unread: Mapping[str, str], photos: Mapping[str, PhotoFile]) -> list[Finding]:
    """A warning for each sidecar that holds no text, by path, with the frames of its photo.

    `photos` gives the photo of each frame.
    """
    found = []
    for path, photo in sorted(unread.items()):
        frames = sorted(frame for frame, of in photos.items() if of.photo == photo)
        if frames:
            name = printable_name(path)
            share = len(frames) / len(photos)
            found.append(Finding("warning", "sidecar is no text in UTF-8", name, share, frames=" ".join(frames)))
    return found


def printable_name(path: str) -> str:
    """The file name of a path, with a question mark for bytes that are no UTF-8."""
    return PurePath(path.encode("utf-8", "replace").decode()).name


def content_words(text: str, subject: SubjectSettings) -> frozenset[str]:
    """The words of a caption in small letters, without trigger, class and function words."""
    text = JOINING_PHRASES.sub(" ", without_trigger(text, subject.trigger).lower())
    said = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text)
    return frozenset(said) - FUNCTION_WORDS - frozenset(subject.subject_class.lower().split())


def _errors(captions: Sequence[Captioned], trigger: str, limit: int) -> Iterator[Finding]:
    wrong: dict[str, list[str]] = defaultdict(list)
    for row in captions:
        times = count_trigger(row.caption, trigger)
        if not row.caption.strip():
            wrong["empty caption"].append(row.frame)
        elif times != 1:
            wrong["trigger missing" if times == 0 else "trigger more than once"].append(row.frame)
        if row.tokens > limit:
            wrong[f"longer than {limit} tokens"].append(row.frame)
    for finding, frames in wrong.items():
        yield Finding("error", finding, share=len(frames) / len(captions), frames=" ".join(sorted(frames)))


def _caption_style(captions: Sequence[Captioned], style: CaptionStyle) -> Iterator[Finding]:
    finding = "sentences in a tag target" if style == "tags" else "tags in a sentence target"
    wrong = [row.frame for row in captions if (_is_prose(row.caption) if style == "tags" else is_tag_list(row.caption))]
    if wrong:
        yield Finding("warning", finding, share=len(wrong) / len(captions), frames=" ".join(sorted(wrong)))


def _silent(captions: Sequence[Captioned], subject: SubjectSettings, prefix: Sequence[str]) -> Iterator[Finding]:
    """Captions that teach the subject nothing to be told from, descriptions that are none, and the trigger in use."""
    before = content_words(" ".join(prefix), subject)
    bare = [row.frame for row in captions if row.caption.strip() and not content_words(row.caption, subject) - before]
    refused = [row.frame for row in captions if says_nothing(row.description)]
    known = [row.frame for row in captions if count_trigger(row.machine, subject.trigger)]
    for finding, frames, said in (
        ("says only trigger and class", bare, ""),
        ("a refusal or placeholder as description", refused, ""),
        ("the captioner says the trigger, too", known, subject.trigger),
    ):
        if frames:
            share = len(frames) / len(captions)
            yield Finding("warning", finding, said, share, frames=" ".join(sorted(frames)))


def _is_prose(caption: str) -> bool:
    return any(len(tag.split()) > LONG_TAG for tag in caption.split(",")) or bool(re.search(r"\w\. +\w", caption))


def _fused(captions: Sequence[Captioned], said: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Words of nearly every caption: nothing tells them from the trigger. In the photos, or only in the captions?"""
    for word, count in Counter(word for its_words in said.values() for word in its_words).items():
        share = count / len(captions)
        if share >= FUSED_SHARE:
            seen = sum(bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", row.machine, re.I)) for row in captions)
            cause = "photos" if seen >= FUSED_SHARE * len(captions) else "captions"
            yield Finding("warning", "fused with the trigger", word, share, cause)


def _alike(said: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    for group in near_duplicates(said):
        yield Finding("warning", "nearly the same caption", share=len(group) / len(said), frames=" ".join(group))
