"""Compiles a description into the caption of a target: its style, trigger last, trimmed to what the encoders read."""

import re
from collections.abc import Callable

from darkroom.captions.caption_styles import Clauses, clauses, join_clauses
from darkroom.captions.description import clean_text
from darkroom.captions.parsing import Parsed, parse
from darkroom.captions.set_decisions import is_absorbed, without_mentions
from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.trait_lists import Key
from darkroom.captions.word_classes import DETERMINERS, LONG_PREPOSITIONS, PREPOSITIONS
from darkroom.captions.written_statements import write_statement
from darkroom.config.captions import CaptionStyle, RewritingSettings, SubjectSettings
from darkroom.contracts.trigger import count_trigger, with_one_trigger, without_trigger
from darkroom.errors import UserError

Count = Callable[[str], int]
OPEN_ENDS = (*LONG_PREPOSITIONS, "in front", *sorted(DETERMINERS | PREPOSITIONS), "and", "or", "but", "of", "is", "are")
DANGLING = re.compile(rf"(?<=\S),? (?:{'|'.join(OPEN_ENDS)})$", re.IGNORECASE)
NOTHING: frozenset[Key] = frozenset()


def rewrite(
    description: str,
    subject: SubjectSettings,
    settings: RewritingSettings,
    count: Count,
    limit: int,
    constant: frozenset[Key] = NOTHING,
    own_words: bool = False,
) -> str:
    """The caption of one description in a caption style, with trigger and class once, at most `limit` tokens long.

    `count` gives the true number of tokens of the target's tightest encoder; `constant` is what the whole set has
    decided. A user's `own_words` that already hold the trigger were written for it and are taken as they stand, only
    trimmed and with the trigger once; a captioner does not know the trigger, so what looks like it is another word.
    Raises UserError where prefix, trigger and class alone are longer than the limit.
    """
    name = subject.phrase
    opening = ", ".join([*settings.prefix, name])
    if count(opening) > limit:
        raise UserError(
            f"subject: trigger and class '{opening}' need {count(opening)} tokens, the limit is {limit}; "
            "choose a shorter trigger or prefix, or raise captions.max_tokens of the target"
        )
    text = clean_text(description)
    holds = count_trigger(text, subject.trigger) > 0
    if holds and own_words:
        text = with_one_trigger(text, subject.trigger, subject.subject_class)
        return _trim([[clause.strip() for clause in text.split(",")]], "sentence", subject.trigger, count, limit, "")
    if holds:
        text = without_trigger(text, subject.trigger)
    written = _written(parse(text, subject), subject, settings, constant)
    return _trim(written, settings.style, SUBJECT, count, limit, opening)


def _written(
    parsed: Parsed, subject: SubjectSettings, settings: RewritingSettings, constant: frozenset[Key]
) -> Clauses:
    """What a caption style says of a description, as clauses by sentence."""
    if parsed.tags:
        kept = [trait.text for trait in parsed.tags if not is_absorbed(trait, constant)]
        written = [[tag.lower() for tag in kept] if settings.style == "tags" else kept]
    else:
        said = [
            write_statement(statement, lambda trait: is_absorbed(trait, constant)) for statement in parsed.statements
        ]
        said = without_mentions(said, constant)
        written = clauses([sentence for sentence in said if sentence], settings.style)
    if subject.kind == "style":
        written = _in_style(written, settings.style)
    if settings.style == "tags" and settings.underscores:
        written = [[tag if SUBJECT in tag else tag.replace(" ", "_") for tag in written[0]]]
    return written


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
        last[-1] = _without_dangling(" ".join(words[:-1]))
    elif len(words) > 1:
        last[-1] = " ".join(words[1:])
    else:
        return False
    return True


def _without_dangling(text: str) -> str:
    """A text without the articles, prepositions and conjunctions that a cut leaves at its end."""
    before = None
    while before != text:
        before, text = text, DANGLING.sub("", text)
    return text
