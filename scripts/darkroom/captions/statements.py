"""A description taken apart: statements of clauses, in which what the subject has and wears are lists of traits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.trait_lists import TraitList, find_trait_lists, kind_of_trait, look
from darkroom.captions.word_classes import (
    COLOURS,
    HAIR,
    LOOKS,
    MATERIALS,
    OCCASIONS,
    PREPOSITIONS,
    TRAITS,
    WORD,
    ends_noun_phrase,
    is_verb,
)

Kind = Literal["character", "object", "style"]
Part = str | TraitList

OWNERS = r"(?:she|he|it|they|her|his|its|their)"
THE_LOOK = rf"the (?:{'|'.join(sorted(TRAITS))}) (?:is|are) "
WHOSE = re.compile(r", whose ((?:[\w-]+ )?[\w-]+ (?:is|are) [^,]*)(,|$) ?")
APPOSITION = re.compile(r", ([\w-]+(?: [\w-]+){0,2})(?=, )")
PREDICATE = re.compile(r"(?:is|are|was|were|has|have|[a-z]+s)\b")
CLAUSES = re.compile(
    rf"(,? (?:and|while|but) )(?=(?:{OWNERS} |(?:is|are|has|have|wears|was) |{THE_LOOK}))"
    rf"|(?<={SUBJECT})(, )(?=(?:her|his|its|their) )"
)
WHO = re.compile(rf"^(?:[^{SUBJECT}]*{SUBJECT}|(?:she|he|it|they)\b)", re.IGNORECASE)
OWN = re.compile(
    r"^(?:her|his|its|their|the) ((?:[\w-]+ ){0,2}?)([\w-]+) (is|are|was|were|has|have) (.+)$", re.IGNORECASE
)
PLACES = (
    "up",
    "down",
    "out",
    "on",
    "off",
    "in",
    "above",
    "below",
    "behind",
    "against",
    "under",
    "over",
    "tucked",
    "stretched",
    "spread",
    "pressed",
)


@dataclass(frozen=True)
class Clause:
    """A clause: what joins it to the one before, who it is about ("" as the one before) and what is said."""

    joint: str
    start: str
    parts: tuple[Part, ...]


Statement = tuple[Clause, ...]


def read_statement(sentence: str, kind: Kind) -> Statement:
    """The clauses of a sentence. One that is not about the subject, or of a style, is a single clause as it stands."""
    if kind == "character" and _is_bare_look(sentence):
        return (Clause("", "", (TraitList("", (look(sentence),), sentence),)),)
    if kind == "style" or not _about_subject(sentence):
        return (Clause("", "", (sentence,)),)
    sentence = _without_appositions(WHOSE.sub(_whose(kind), sentence), kind)
    pieces = [piece for piece in CLAUSES.split(sentence) if piece is not None]
    joints = ["", *pieces[1::2]]
    return tuple(_read_clause(joint, text, kind) for joint, text in zip(joints, pieces[::2], strict=True))


def _about_subject(sentence: str) -> bool:
    return SUBJECT in sentence or bool(re.match(rf"(?:{OWNERS}\b|{THE_LOOK})", sentence, re.IGNORECASE))


def _is_bare_look(sentence: str) -> bool:
    """'Brown eyes.' alone."""
    said = sentence.lower().split()
    return 1 < len(said) <= 4 and said[-1] in TRAITS and all(word in LOOKS | TRAITS for word in said)


def _whose(kind: Kind) -> Callable[[re.Match[str]], str]:
    """Replaces ", whose hair is in a braid," where it names a look."""
    return lambda match: " " if kind_of_trait(match[1], match[1].split()[0], kind) == "look" and match[2] else match[0]


def _without_appositions(sentence: str, kind: Kind) -> str:
    """A sentence without what is said of the subject between commas after its name: ', 28, blonde, athletic build,'."""
    start, name, rest = sentence.partition(SUBJECT)
    while match := APPOSITION.match(rest):
        said = match[1].lower().split()
        looks = all(word in LOOKS or word.isdigit() or word in ("years", "old") for word in said)
        trait = kind_of_trait(match[1], said[-1], kind) == "look" and said[-1] in TRAITS
        if not looks and not (trait and all(word not in PREPOSITIONS and not is_verb(word) for word in said)):
            break
        after = rest[match.end(1) :]
        rest = f" {after[2:]}" if not APPOSITION.match(after) and PREDICATE.match(after[2:]) else after
    return start + name + rest


def _read_clause(joint: str, text: str, kind: Kind) -> Clause:
    trait = _own_trait(text, kind)
    if trait is not None:
        return Clause(joint, "", (trait,))
    who = WHO.match(text)
    start = who[0] if who else ""
    said = text[len(start) :]
    said = said.strip() if start and said[:1] not in ",'’" else said
    predicate = re.match(r"^(?:is|are|was|were) (.+)$", said)
    if predicate and SUBJECT not in said and _tells_looks(_without_look(predicate[1], kind)):
        return Clause(joint, start, (TraitList("", (look(said),), said),))
    return Clause(joint, start, find_trait_lists(said, kind, direct=bool(start)))


def _without_look(said: str, kind: Kind) -> str:
    """'bald' of "bald with a grey beard": what is said of looks may name another."""
    head, _, rest = said.partition(" with ")
    parts = find_trait_lists(f"with {rest}", kind, direct=True) if rest else ()
    only = len(parts) == 1 and isinstance(parts[0], TraitList) and {trait.kind for trait in parts[0].traits} == {"look"}
    return head if only else said


def _own_trait(text: str, kind: Kind) -> TraitList | None:
    """'her hair is brown', 'its collar is red': a clause that is one trait. None where it tells what passes."""
    match = OWN.match(text)
    if match is None:
        return None
    filler, noun, verb, said = match.groups()
    if text.lower().startswith("the ") and not all(word in LOOKS for word in said.lower().split()):
        return None
    found = kind_of_trait(f"{filler}{noun} {said}", noun, kind)
    first = said.split()[0]
    if found == "other" or first.endswith("ing") or (first in PLACES and not set(said.split()) & HAIR):
        return None
    # "Her face has freckles" is a look, "her hair has flowers in it" is none.
    if verb in ("has", "have") and kind_of_trait(said, said.rsplit(" ", 1)[-1], kind) != "look":
        return None
    return TraitList("", (look(text, found, f"{first} {noun}"),), text)


def _tells_looks(said: str) -> bool:
    """Whether "is ..." only says what the subject looks like: 'red', 'small and fluffy', 'made of brass', 'a puppy'."""
    words = [word.lower() for word in WORD.findall(said)]
    if not words or set(words) & OCCASIONS:
        return False
    if re.match(r"an? (?:[\w-]+ ){0,2}(?:mix|cross|breed|mixture)\b", said):
        return True
    if words[0] in COLOURS | MATERIALS or all(word in LOOKS for word in words) or said.startswith("made of"):
        return True
    return words[0] in ("a", "an") and not any(ends_noun_phrase(word) for word in words[1:])
