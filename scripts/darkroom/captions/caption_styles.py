"""The caption styles: the same description as sentences, as one sentence or as tags, cut where it may be trimmed."""

import re

from darkroom.captions.cut_tags import cut_sentence
from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.word_classes import DOING_OF
from darkroom.config.captions import CaptionStyle

SHORT_WORDS = 40

Clauses = list[list[str]]


def clauses(sentences: list[str], style: CaptionStyle) -> Clauses:
    """What a caption style says, as clauses by sentence: for tags and one sentence, a single list."""
    if style == "tags":
        return [_tags(sentences)]
    split = [[clause.strip() for clause in sentence.split(",") if clause.strip()] for sentence in sentences]
    return [_one_sentence(split)] if style == "sentence" else [sentence for sentence in split if sentence]


def join_clauses(written: Clauses, style: CaptionStyle) -> str:
    """The text of a caption style, still with SUBJECT in it."""
    texts = [", ".join(sentence) for sentence in written if sentence]
    if style != "sentences":
        return ", ".join(texts)
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts)


def _one_sentence(sentences: Clauses) -> list[str]:
    """The first sentence, then the others as clauses while all is short."""
    result: list[str] = []
    for number, sentence in enumerate(sentences):
        first = _without_pronoun(sentence[0]) if number else sentence[0]
        for clause in [first, *sentence[1:]]:
            length = sum(len(kept.split()) for kept in result) + len(clause.split())
            if number > 0 and length > SHORT_WORDS:
                return result
            result.append(clause)
    return result


def _without_pronoun(clause: str) -> str:
    """'with a red collar and sitting' of "it has a red collar and is sitting", 'holding a cup' of "he holds a cup"."""
    match = re.match(rf"(?:it|she|he|they) ({'|'.join(DOING_OF)}) ", clause)
    if match:
        return f"{DOING_OF[match[1]]} {clause[match.end() :]}"
    short = re.sub(r"^(?:it|she|he|they) (?:is|are) (?!(?:an?|the|not)\b)", "", clause)
    short = re.sub(r"^(?:it|she|he|they) (?:has|have) (?=(?:an?|her|his|its|their|two|one|no)\b)", "with ", short)
    if short == clause:
        return clause
    short = re.sub(r" and (?:is|are) (?=\w+ing\b)", " and ", short)
    return re.sub(r" and (?:has|have) (?=(?:an?|her|his|its|their|two|one|no)\b)", " with ", short)


def _tags(sentences: list[str]) -> list[str]:
    """Lower-case tags in the order of the description, each once, the subject's first."""
    found: dict[str, None] = {}
    for sentence in sentences:
        for tag in cut_sentence(sentence.lower()):
            if not any(_says_again(tag, earlier) for earlier in found):
                found.setdefault(tag)
    return sorted(found, key=lambda tag: SUBJECT not in tag)


def _says_again(tag: str, earlier: str) -> bool:
    """'box' after 'cardboard box', 'knight' after 'knight standing'."""
    said = earlier.split(" ")
    return tag == said[-1] or (tag == said[0] and len(said) == 2 and said[1].endswith("ing"))
