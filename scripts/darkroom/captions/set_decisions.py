"""What the whole set decides: what the subject wears in nearly every photo belongs to the trigger."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from darkroom.captions.parsing import Parsed
from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.trait_lists import Key, Trait, TraitList
from darkroom.captions.word_classes import COLOURS, OTHERS, PREPOSITIONS

CONSTANT_SHARE = 0.85
FEWEST_DESCRIPTIONS = 4
NO_ADJECTIVES = "|".join(sorted(PREPOSITIONS | OTHERS | {"and", "of"}))


def constant_traits(descriptions: Sequence[Parsed]) -> frozenset[Key]:
    """What is worn in at least 85 % of the descriptions, by noun and colour; nothing for fewer than four.

    A noun without a colour counts for the colour that its noun has most often: captioners do not always name it. What
    has another colour there is no constant and stays.
    """
    if len(descriptions) < FEWEST_DESCRIPTIONS:
        return frozenset()
    colours_of: dict[str, list[set[str]]] = defaultdict(list)
    for description in descriptions:
        for noun, colours in sorted(_worn(description).items()):
            colours_of[noun].append(colours)
    constant: set[Key] = set()
    for noun, seen in colours_of.items():
        counts = Counter(colour for colours in seen for colour in colours if colour)
        colour = min(counts, key=lambda name: (-counts[name], name), default="")
        if sum(1 for colours in seen if colours <= {"", colour}) >= CONSTANT_SHARE * len(descriptions):
            constant |= {(noun, ""), (noun, colour)}
    return frozenset(constant)


def is_absorbed(trait: Trait, constant: frozenset[Key]) -> bool:
    """Whether the trigger absorbs a trait: looks always, what is worn where the set says so."""
    return trait.kind == "look" or (trait.kind == "worn" and trait.key in constant)


def without_mentions(sentences: Sequence[str], constant: frozenset[Key]) -> list[str]:
    """Sentences without what is said again of a thing that is absorbed: 'the red collar has a tag', 'his cape flowing'.

    Where the thing has another colour there, or the name of the subject stands in it, they stay.
    """
    said = list(sentences)
    for noun in sorted({noun for noun, _ in constant}):
        colours = {colour for known, colour in constant if known == noun and colour}
        own = rf"(?:the|her|his|its|their) (?P<words>(?:(?!(?:{NO_ADJECTIVES})\b)[\w-]+ ){{0,3}}?){re.escape(noun)}s?\b"
        tail = re.compile(rf",? (?:with )?{own} (?:[\w-]+ly )?\w+ing\b[^,]*(?=,|$)", re.IGNORECASE)
        whole = re.compile(rf"^{own} (?=(?:is|are|was|were|has|have|\w+s|\w+ing)\b)", re.IGNORECASE)

        def same(match: re.Match[str] | None, colours: set[str] = colours) -> bool:
            found = " ".join(sorted(set(match["words"].lower().split()) & COLOURS)) if match else ""
            return match is not None and (not found or found in colours)

        said = ["" if SUBJECT not in text and same(whole.match(text)) else text for text in said]
        said = [tail.sub(lambda match: "" if same(match) else match[0], text) for text in said]
    return said


def _worn(description: Parsed) -> dict[str, set[str]]:
    """The colours of each noun that is worn in a description."""
    found: dict[str, set[str]] = defaultdict(set)
    for trait in _traits(description):
        if trait.kind == "worn":
            found[trait.key[0]].add(trait.key[1])
    return found


def _traits(description: Parsed) -> list[Trait]:
    parts = [part for statement in description.statements for clause in statement for part in clause.parts]
    return [*description.tags, *(trait for part in parts if isinstance(part, TraitList) for trait in part.traits)]
