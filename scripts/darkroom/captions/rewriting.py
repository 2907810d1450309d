"""Compiles a description into the caption of a target: dialect, trigger last, trimmed to what the encoders read."""

import re
from collections.abc import Callable

from darkroom.captions.description import clean_text, sentences
from darkroom.captions.dialects import Clauses, clauses, join_clauses
from darkroom.captions.settings import CaptionStyle, SubjectSettings
from darkroom.captions.subject_phrase import SUBJECT, drop_picture_words, mark_subject
from darkroom.errors import UserError

Count = Callable[[str], int]


def rewrite(description: str, subject: SubjectSettings, style: CaptionStyle, count: Count, limit: int) -> str:
    """The caption of one description in a dialect, with trigger and class exactly once, at most `limit` tokens long.

    `count` gives the true number of tokens of the target's tightest encoder. A description that already holds the
    trigger was written for it and is taken as it stands, only trimmed.
    Raises UserError where trigger and class alone are longer than the limit.
    """
    name = f"{subject.trigger} {subject.subject_class}"
    if count(name) > limit:
        raise UserError(
            f"subject: trigger and class '{name}' need {count(name)} tokens, the limit is {limit}; "
            "choose a shorter trigger or raise captions.max_tokens of the target"
        )
    text = clean_text(description)
    if re.search(rf"(?<!\w){re.escape(subject.trigger)}(?!\w)", text):
        return _trim([[clause.strip() for clause in text.split(",")]], "sentence", subject.trigger, count, limit, "")
    said = sentences(text)
    if subject.kind == "style":
        written = _in_style(clauses(drop_picture_words(said), style), style)
    else:
        written = clauses(mark_subject(said, subject.subject_class), style)
    return _trim(written, style, SUBJECT, count, limit, name)


def _in_style(written: Clauses, style: CaptionStyle) -> Clauses:
    """The style before everything else: 'In zxq style, a cat on a mat.' or 'zxq style, cat, mat'."""
    opening = f"in {SUBJECT}" if style == "sentences" else SUBJECT
    first, *rest = written or [[]]
    return [[opening, *first], *rest]


def _trim(written: Clauses, style: CaptionStyle, kept: str, count: Count, limit: int, name: str) -> str:
    """Drop the last clause until the caption fits, then words from the end of the last one; never the subject."""

    def text() -> str:
        return " ".join(join_clauses(written, style).replace(SUBJECT, name).split())

    def too_long() -> bool:
        # A word has at least one token: this spares counting a text of thousands of words again and again.
        return len(text().split()) > limit or count(text()) > limit

    while too_long():
        last = written[-1]
        if len(last) > 1 and kept not in last[-1]:
            last.pop()
        elif len(written) > 1 and not any(kept in clause for clause in last):
            written.pop()
        elif not _shorten(last, kept):
            break
    return text()


def _shorten(last: list[str], kept: str) -> bool:
    """Take the clause before the subject's, then words from the end, then words before the subject."""
    words = last[-1].split()
    if len(last) > 1:
        last.pop(0)
    elif len(words) > 1 and kept not in words[-1]:
        last[-1] = " ".join(words[:-1])
    elif len(words) > 1:
        last[-1] = " ".join(words[1:])
    else:
        return False
    return True
