"""Parses a description: sentences taken apart into statements, or a list of tags."""

from dataclasses import dataclass

from darkroom.captions.description import clean_text, sentences
from darkroom.captions.languages import foreign_sentences, is_foreign
from darkroom.captions.statements import Statement, read_statement
from darkroom.captions.style_words import drop_style
from darkroom.captions.subject_phrase import SUBJECT, mark_subject
from darkroom.captions.tag_lists import is_tag_list, read_tags
from darkroom.captions.trait_lists import Trait
from darkroom.config.captions import SubjectSettings


@dataclass(frozen=True)
class Parsed:
    """A description as statements, or as tags where it is a list of them."""

    statements: tuple[Statement, ...] = ()
    tags: tuple[Trait, ...] = ()


def parse(description: str, subject: SubjectSettings) -> Parsed:
    """What a description says, without openers, hedges and repetitions, with the subject's phrase marked."""
    text = clean_text(description)
    if is_tag_list(text):
        return Parsed(tags=read_tags(text, subject))
    if is_foreign(text, subject.subject_class):
        said = foreign_sentences(text)
        named = [SUBJECT] if subject.kind != "style" else []
        return Parsed(tags=tuple(Trait(sentence, "other", (sentence, "")) for sentence in [*named, *said]))
    said = sentences(text)
    said = drop_style(said) if subject.kind == "style" else mark_subject(said, subject.subject_class)
    return Parsed(tuple(read_statement(sentence, subject.kind) for sentence in said))
