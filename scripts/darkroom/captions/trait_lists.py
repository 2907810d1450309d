"""What the subject has and wears: lists such as 'with brown fur and a red collar', each item with its kind."""

import re
from dataclasses import dataclass
from typing import Literal

from darkroom.captions.word_classes import (
    COLOURS,
    DETERMINERS,
    HAIR,
    LIMBS,
    MATERIALS,
    OTHERS,
    PARTS,
    POSSESSIVES,
    PREPOSITIONS,
    STATES,
    TRAITS,
    WORN,
    is_doing,
    is_third_person,
)

TraitKind = Literal["look", "worn", "other"]
Key = tuple[str, str]

LEAD = re.compile(
    r"(?:^|(?<=[ ,]))((?:(?:who|that|which) (?:is |are )?)?"
    r"(?:wearing|wears|wear|dressed in|clad in|has|have|having|with|in|made (?:out )?of|made from|crafted from|"
    r"upholstered in)) (?=\S)"
)
TOKEN = re.compile(r"\"[^\"]*\"|[\w'’-]+|\S")
JOINT = re.compile(r",? (?:and|as well as) |, ")
BODY = (
    "(?:neck|head|chest|front|side|back|arms?|shoulders?|body|ears?|pockets?|hands?|waist|wrists?|feet|hips?|lap|sides|"
    "center|rim|handle|collar|chin|nose|cheeks?|foreheads?|eyebrows?|brow|teeth|lips?|eyes?|thighs?|ankles?|legs?|calf|"
    "knees?|fingers?|paws?|tail|muzzle|snout|belly|forearms?|bicep|face)"
)
ON_BODY = re.compile(
    r"(?: (?:tied|pulled|worn|written|printed|painted|hanging|wrapped|draped)(?: \w+)?)? "
    r"(?:on|in|around|over|across|under|of|behind|above|down|along|near|below) "
    r"(?:(?:it|him|them)\b|her(?= \w+ing\b|$|,)|"
    r"(?:its|her|his|their|the|one|both) (?:(?:left|right|front|upper|lower|hind) )?"
    rf"{BODY}(?: and (?:(?:its|her|his|their) )?{BODY})?\b)"
)
DETAIL = re.compile(
    r" with (?:an? |the )?(?:[\w-]+ ){0,3}?(?:pattern|logo|print|design|stripes|collar|buttons|trim|lace|bell)\b"
)
TIED = re.compile(
    r" (?:(?:tied|pulled|styled|worn|swept)(?: back| up| down)*)? ?"
    rf"(?:(?:in|into|to) (?:an? |the )?(?:[\w-]+ )?(?:{'|'.join(sorted(HAIR))}|side|back)\b|(?<=back)|(?<=up))"
)
PAINTED = re.compile(
    rf" (?:painted|printed|drawn|embossed|embroidered) (?:in|with) (?:[\w-]+ )?(?:{'|'.join(sorted(COLOURS))})\b"
)
FALLING = re.compile(
    r" (?:cascading|falling|flowing|hanging|reaching|draped|styled|framing) (?:(?:over|down|past|to|around|on) )?"
    r"(?:her|his|its|their|the) (?:shoulders?|back|waist|face|neck|chin|ears)\b"
)
SHAPE_OF = re.compile(r" (?:in the shape of|shaped like) (?:an?|the) (?:[\w-]+['’]s )?[\w-]+")
HAS = ("has", "have", "wears", "wear")
NEW_CLAUSE = re.compile(r" (?:is|are|was|were)\b")  # "... and the headlights are on"
NEXT_CLAUSE = r"(?:and )?(?:is|are|was|has|wears|holds|sits|stands|lies|she|he|it|they)\b"
RELATIVE = re.compile(rf" (?:that|which) (?:(?!(?:{'|'.join(sorted(STATES))})\b)[\w-]+(?: (?=\w)(?!{NEXT_CLAUSE}))?)+")
PASSING = re.compile(r" (?:on|off|up|down|out|ajar)(?=$|,| and | while )")
# "A sleek and modern design" is one noun phrase.
SHAPED = re.compile(
    r"(an? (?:[\w-]+ )?[\w-]+) and (?:[\w-]+ )?"
    r"(?:design|shape|look|build|body|finish|pattern|figure|appearance|style|form)\b"
)
DOING = re.compile(r" (?:\w+ly )?(?!during)\w{2,}ing\b")
OVER = re.compile(rf" (?:over|under) (?:an? )?(?:[\w-]+ ){{0,3}}?(?:{'|'.join(sorted(WORN))})\b")


@dataclass(frozen=True)
class Trait:
    """A trait as written, its kind, and by what it is known in other descriptions: noun and colours."""

    text: str
    kind: TraitKind
    key: Key


@dataclass(frozen=True)
class TraitList:
    """Traits behind a lead such as "wearing", and the whole as it was written."""

    lead: str
    traits: tuple[Trait, ...]
    text: str


def look(text: str, kind: TraitKind = "look", noun_phrase: str = "") -> Trait:
    """A trait whose text is no noun phrase: 'her eyes are green'."""
    return Trait(text, kind, key_of(noun_phrase or text))


def key_of(noun_phrase: str) -> Key:
    """Noun, in the singular, and colours of what is worn: ('dress', 'white') of 'a long white dress with lace'."""
    words = [word.lower() for word in re.findall(r"[\w-]+", noun_phrase)]
    until = next((number for number, word in enumerate(words) if number and word in PREPOSITIONS | {"of"}), len(words))
    words = words[:until] or [""]
    noun = next((word for word in reversed(words) if word in WORN), words[-1])
    colours = sorted({part for word in words for part in word.split("-") if part in COLOURS})
    return (noun[:-1] if noun.endswith("s") and noun[:-1] in WORN else noun), " ".join(colours)


def kind_of_trait(text: str, noun: str, subject_kind: str) -> TraitKind:
    """Whether a noun phrase names a look of the subject, something worn, or neither, such as a pose or what passes.

    What hangs on the phrase ("on her face") must not be part of it.
    """
    words = [word.lower() for word in re.findall(r"[\w-]+", text)] or [""]
    said = {part for word in words for part in (word, *word.split("-"))}
    if said & HAIR and not set(words) & STATES:
        return "look"
    if set(words) & STATES:
        return "other"
    if noun == "shoulders" and said & {"broad", "narrow", "wide", "sloping"}:
        return "look"
    if said & WORN:
        return "worn"
    return "look" if said & (TRAITS | PARTS if subject_kind == "object" else TRAITS) or noun in TRAITS else "other"


def find_trait_lists(said: str, kind: str, direct: bool) -> tuple[str | TraitList, ...]:
    """What is said of the subject, with its lists of traits read; all else as it stands.

    `direct` tells that the text follows the subject at once, so that "with" or "in" at its start is the subject's.
    """
    parts: list[str | TraitList] = []
    position = 0
    for match in LEAD.finditer(said):
        if match.start() < position or not _is_subjects(said, match, kind, direct, parts, position):
            continue
        traits, end = _read_list(said, match.end(), match[1], kind)
        if traits:
            parts += [said[position : match.start()], TraitList(match[1], tuple(traits), said[match.start() : end])]
            position = end
    return tuple(part for part in [*parts, said[position:]] if part != "")


def _is_subjects(
    said: str, match: re.Match[str], kind: str, direct: bool, parts: list[str | TraitList], position: int
) -> bool:
    """Whether a lead speaks of the subject: nobody else is named before it, and "in" follows the subject at once."""
    before = said[: match.start()]
    if {word.lower() for word in re.findall(r"[\w-]+", before)} & OTHERS:
        return False
    follows = (direct and not before.strip(" ,")) or (bool(parts) and not said[position : match.start()].strip(" ,"))
    if match[1] == "in":
        return follows
    return follows or kind == "character" or match[1] not in ("with", "having")


def _read_list(text: str, start: int, lead: str, kind: str) -> tuple[list[Trait], int]:
    """The traits of a list and where it ends. None where nothing in it is a look or worn.

    What is neither, such as "his arms crossed", begins only a list of what somebody has or wears.
    """
    traits: list[Trait] = []
    position = end = start
    joined = False  # by an "and" to what comes before
    while True:
        stop = _noun_phrase_end(text, position)
        phrase = text[position:stop]
        noun = phrase.rsplit(" ", 1)[-1].lower()
        found = "look" if lead.startswith(("made", "crafted", "upholstered")) else kind_of_trait(phrase, noun, kind)
        stop = _with_extras(text, stop, found)
        item = text[position:stop]
        found = _in_place(item, found, text, stop, kind, traits)
        passing = PASSING.match(text, stop) if found == "other" else None
        stop = passing.end() if passing else stop
        item = text[position:stop]
        listed = found == "worn" or (found == "look" and lead != "in") or _may_be_had(item, lead, traits, joined)
        if not item.strip() or not listed or (traits and lead in HAS and NEW_CLAUSE.match(text, stop)):
            break
        traits.append(Trait(item, found, key_of(item)))
        end = stop
        joint = JOINT.match(text, stop)
        if joint is None:
            break
        position, joined = joint.end(), "and" in joint[0]
    return (traits, end) if any(trait.kind != "other" for trait in traits) else ([], start)


def _with_extras(text: str, stop: int, found: TraitKind) -> int:
    """The end of a noun phrase with what hangs on it."""
    for extra in (TIED, FALLING, PAINTED, DETAIL, OVER, ON_BODY, *([SHAPE_OF, RELATIVE] if found == "look" else [])):
        more = extra.match(text, stop)
        stop = more.end() if more else stop
    return stop


def _in_place(item: str, found: TraitKind, text: str, stop: int, kind: str, before: list[Trait]) -> TraitKind:
    """The kind of an item where it stands: 'other' for a pose and for "its headlights on"; a look beside a look."""
    words = item.lower().split()
    own = words[:1] != [] and words[0] in POSSESSIVES
    if _is_pose(item) or (own and found == "look" and (PASSING.match(text, stop) or DOING.match(text, stop))):
        return "other"
    beside = kind == "object" and bool(before) and before[-1].kind == "look"
    return "look" if found == "other" and beside and words[:1] != [] and words[0] in COLOURS | MATERIALS else found


def _is_pose(item: str) -> bool:
    """'her hands in her pockets', 'his arms crossed', 'its front paws' that are somewhere; no hair."""
    words = item.lower().split()
    return words[:1] != [] and words[0] in POSSESSIVES and bool(set(words) & LIMBS) and not set(words) & HAIR


def _may_be_had(item: str, lead: str, before: list[Trait], joined: bool) -> bool:
    """Whether what is neither a look nor worn is a member of the list: it needs the lead when the others are gone."""
    had = bool(before) or lead.split()[-1] in ("has", "have", "having", "wearing", "wears", "wear")
    words = item.lower().split()
    return had and words[:1] != [] and (words[0] in DETERMINERS or (joined and _names_thing(words)))


def _names_thing(words: list[str]) -> bool:
    """Whether what follows "and" without a determiner is a thing and no verb: 'braces', not 'feeds pigeons'."""
    verb = len(words) > 1 and words[0].endswith("s") and not words[0].endswith("ss")
    return not verb and words[0] not in PREPOSITIONS and words[0] not in OTHERS


def _is_verb(word: str, following: str, before: str) -> bool:
    """Whether a verb ends the noun phrase; 'missing' of "missing teeth" begins one."""
    return is_doing(word, following) and (word != "missing" or before != "")


def _noun_phrase_end(text: str, start: int) -> int:
    """Where a noun phrase ends: before a comma, a preposition but "of", a verb, or an "and" that joins no colours."""
    end = start
    before = ""
    tokens = list(TOKEN.finditer(text, start))
    for number, token in enumerate(tokens):
        word = token[0].lower()
        following = tokens[number + 1][0].lower() if number + 1 < len(tokens) else ""
        if not re.match(r"[\w\"]", word):
            break
        colours = word == "and" and before in COLOURS and following in COLOURS
        shaped = SHAPED.match(text, start)
        colours = colours or (word == "and" and shaped is not None and token.start() == shaped.end(1) + 1)
        passing = word in STATES and before and text[start:].split(" ", 1)[0].lower() in POSSESSIVES
        stops = word in PREPOSITIONS or word in ("and", "or", "that", "as") or _is_verb(word, following, before)
        stops = stops or (bool(before) and is_third_person(word, text[start:end], following))
        if stops and not colours and not passing and before not in DETERMINERS:
            break
        before = word
        end = token.end()
    return end
