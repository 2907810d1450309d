"""The dialects: the same description as flowing sentences, as one sentence or as tags, cut where it may be trimmed."""

import re

from darkroom.captions.settings import CaptionStyle
from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.word_classes import (
    COLOURS,
    DETERMINERS,
    LONG_PREPOSITIONS,
    PICTURE_NOUNS,
    PREPOSITIONS,
    is_verb,
    words,
)

SHORT_WORDS = 40
FRAMING = {
    "seen up close": "close-up",
    "up close": "close-up",
    "seen from medium distance": "medium shot",
    "seen from far away": "wide shot",
    "from far away": "wide shot",
    "from above": "from above",
    "from below": "from below",
    "from behind": "from behind",
    "taken outside": "outdoors",
    "taken inside": "indoors",
    "looking directly at the camera": "looking at the camera",
    "looking at the camera": "looking at the camera",
}
SAYS_NOTHING = words(
    "it its she her he his they their them there this that which who image picture photo scene background foreground "
    "distance back left right side top bottom center centre middle front and or but also other seen shown placed "
    "visible wearing is are has have"
)
CUT = "\x1f"

Clauses = list[list[str]]


def clauses(sentences: list[str], style: CaptionStyle) -> Clauses:
    """What a dialect says, as clauses by sentence: for tags and one sentence, a single list."""
    if style == "tags":
        return [_tags(sentences)]
    split = [[clause.strip() for clause in sentence.split(",") if clause.strip()] for sentence in sentences]
    return [_one_sentence(split)] if style == "sentence" else [sentence for sentence in split if sentence]


def join_clauses(written: Clauses, style: CaptionStyle) -> str:
    """The text of a dialect, still with SUBJECT in it."""
    texts = [", ".join(sentence) for sentence in written if sentence]
    if style != "sentences":
        return ", ".join(texts)
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts)


def _one_sentence(sentences: Clauses) -> list[str]:
    """The first sentence, then the others as clauses while all is short."""
    result: list[str] = []
    for number, sentence in enumerate(sentences):
        first = re.sub(r"^(?:it|she|he|they) (?:is|are) (?=\w+ing\b|on\b|in\b|at\b|under\b)", "", sentence[0])
        for clause in [first, *sentence[1:]]:
            length = sum(len(kept.split()) for kept in result) + len(clause.split())
            if number > 0 and length > SHORT_WORDS:
                return result
            result.append(clause)
    return result


def _tags(sentences: list[str]) -> list[str]:
    """Lower-case tags in the order of the description, each once, the subject's first."""
    found: dict[str, None] = {}
    for sentence in sentences:
        for piece in _cut(sentence.lower()):
            tag = _tag(piece)
            if tag:
                found.setdefault(tag)
    return sorted(found, key=lambda tag: SUBJECT not in tag)


def _cut(sentence: str) -> list[str]:
    """Pieces of a sentence between commas, prepositions, verbs and the 'and' of a list."""
    for phrase, framing in FRAMING.items():
        sentence = re.sub(rf"\b{phrase}\b", f"{CUT}{framing.replace(' ', chr(0xA0))}{CUT}", sentence)
    for phrase in LONG_PREPOSITIONS:
        sentence = re.sub(rf"\b{phrase}\b", CUT, sentence)
    sentence = re.sub(rf"\b({PICTURE_NOUNS}) of\b", rf"\1{CUT}", sentence)
    sentence = re.sub(r"\b(?:the )?(\w+) (?:is|are) (\w+)(?=$|,| and )", _quality, sentence)
    pieces: list[list[str]] = [[]]
    tokens = re.sub(rf"[,;:()\"]|{CUT}", f" {CUT} ", sentence).split(" ")
    for number, word in enumerate(tokens):
        following = tokens[number + 1] if number + 1 < len(tokens) else ""
        colours = word == "and" and set(tokens[max(0, number - 1) : number + 2]) & COLOURS and following in COLOURS
        if word == CUT or word in PREPOSITIONS or (word == "and" and not colours):
            pieces.append([])
        elif word != "and" and is_verb(word) and not (word.endswith("ing") and set(pieces[-1][-1:]) & DETERMINERS):
            pieces.append([word] if word.endswith("ing") and word != "wearing" else [])
        elif word:
            pieces[-1].append(word)
    return [" ".join(piece).replace(chr(0xA0), " ") for piece in pieces]


def _quality(match: re.Match[str]) -> str:
    """'the sky is blue' as 'blue sky'; what the subject or a pronoun is stays as it is."""
    noun, quality = match[1], match[2]
    plain = noun not in SAYS_NOTHING and SUBJECT not in noun and quality not in PREPOSITIONS and not is_verb(quality)
    return f"{quality} {noun}" if plain else match[0]


def _tag(piece: str) -> str:
    """A piece without determiners; empty where nothing is left that says anything."""
    left = [word.strip(".!?'’") for word in piece.split()]
    while left and (left[0] in DETERMINERS or left[0] in ("and", "or")):
        left.pop(0)
    left = [word for word in left if word and word not in ("a", "an", "the", "its", "his", "her", "their")]
    return "" if all(word in SAYS_NOTHING for word in left) else " ".join(left)
