"""Tells a description in another language: its words stay as they are, since no grammar here reads them."""

import re

from darkroom.captions.description import clean_text, small_start
from darkroom.captions.word_classes import is_verb, words

ENGLISH = words(
    "the a an is are was were with on in at of and or to her his its their there this that it she he they from by for "
    "under over behind next near has have wearing"
)
# Articles, prepositions and the like of German, French, Spanish, Italian, Portuguese, Dutch and Polish.
FOREIGN = words(
    "ein eine einer einem einen der die das den dem des und mit auf im vor neben unter hinter am sitzt liegt steht ist "
    "trägt un une le la les du au aux avec sur dans et est sous devant el los las una en con y de del lo gli il che "
    "uno di da della sul nel seduta uma um os na em com está het een op van met aan w z na jest i się"
)
FEWEST_WORDS = 4
LETTER = re.compile(r"[^\W\d_]")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def is_foreign(text: str, subject_class: str) -> bool:
    """Whether a description is in another language: other letters, or other small words than English ones."""
    letters = LETTER.findall(text)
    if len(letters) > 2 * sum(bool(LATIN.match(letter)) for letter in letters):
        return True
    said = [word.lower() for word in re.findall(r"[^\W\d_]+", text)]
    english = sum(word in ENGLISH for word in said)
    foreign = sum(word in FOREIGN for word in said)
    if foreign > english and foreign >= 2:
        return True
    named = set(subject_class.lower().split()) & set(said)
    unknown = not english and not named and "," not in text and not any(map(is_verb, said))
    return unknown and bool(foreign) and len(said) >= FEWEST_WORDS


def foreign_sentences(text: str) -> list[str]:
    """The sentences of a text in another language, without full stops."""
    parts = re.split(r"(?<=[.!?])\s+|(?<=[。！？])", clean_text(text))
    return [small_start(part.strip().rstrip(".!?。！？ ")) for part in parts if part.strip(" .!?。！？")]
