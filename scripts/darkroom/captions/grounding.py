"""Drops from a description the side objects that the captioner, looking again, finds nowhere in the picture.

Captioners invent such things mostly in lists at the rim: "with a lamp and a clock behind it", "in the background there
are doors, pillars and trees". The subject, its parts, the place and what has no outline, such as light, always stay.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from darkroom.captions.word_classes import COLOURS, DETERMINERS, TRAITS, WORD, ends_noun_phrase, words

# What stands before a side object.
LINK = re.compile(
    r"(?:,\s*)?(?:\band\s+)?\b(?:there (?:is|are)(?: also)?|(?:we|you) can (?:also )?see|as well as|along with"
    r"|together with|accompanied by|surrounded by|next to|close to|with|beside|behind|near|holding|carrying)\b\s*"
    r"|(?:,\s*)?\band\b\s*|,\s*",
    re.IGNORECASE,
)
LISTING = re.compile(r"^(?:,\s*)?(?:and\b|as well as\b)?\s*$", re.IGNORECASE)
# Things without an outline: that no region is found for them says nothing.
OUTLINELESS = words(
    "background foreground distance middle center centre left right top bottom front side corner light lighting "
    "sunlight sun shadow shadows sky clouds weather air fog mist rain snow ground floor wall walls grass sand water "
    "sea surface reflection reflections view scene image picture photo photograph room area day night expression smile "
    "focus blur colors colours color colour pattern design texture style lot variety it him her them itself"
)
PLACED = re.compile(
    r"^\s*(?:(?:in|on|at|to|around) (?:the (?:background|foreground|distance|left|right|top|bottom|side)\b"
    r"|(?:his|her|its|their) )|(?:around|above|below|under|on|in) (?:it|him|her|them)\b)",
    re.IGNORECASE,
)
KEEPS_PLACE = re.compile(r"^\s*(?:in|on|at|inside|under|against|across|along|by)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A part of a sentence: the link before it, its noun phrase in small letters, and what follows the phrase."""

    link: str
    phrase: str
    words: str
    tail: str


def without_unseen(text: str, found: Collection[str], subject_class: str) -> str:
    """A description without the side objects of which `found`, the names of all regions, knows nothing.

    The class word and the first thing that is named stay in any case. Where nothing would be left, all of it stays.
    """
    known = {_stem(word) for label in found for word in WORD.findall(label.lower())}
    known |= {_stem(word) for word in WORD.findall(subject_class.lower())}
    kept, named = [], False
    for sentence in re.split(r"(?<=[.!?])\s+", text.strip()):
        pieces = list(_pieces(sentence.rstrip(".!? ")))
        left = _seen_pieces(pieces, known, named)
        named = named or any(_all_things(piece) for piece in left)
        if left == pieces:
            kept.append(sentence)
        elif any(_all_things(piece) for piece in left):
            end = sentence[len(sentence.rstrip(".!? ")) :]
            kept.append(_tidy("".join(piece.link + piece.words + piece.tail for piece in left)) + end)
    return " ".join(kept) or text


def _pieces(sentence: str) -> Iterator[Piece]:
    starts = [match.start() for match in LINK.finditer(sentence)]
    for start, end in zip([0, *starts], [*starts, len(sentence)], strict=True):
        part = sentence[start:end]
        match = LINK.match(part) if start in starts else None
        link = match[0] if match else ""
        body = part[len(link) :]
        stop = next((word.start() for word in WORD.finditer(body) if ends_noun_phrase(word[0])), len(body))
        if part:
            yield Piece(link, body[:stop].strip().lower(), body[:stop], body[stop:])


def _seen_pieces(pieces: Sequence[Piece], known: Collection[str], named: bool) -> list[Piece]:
    """The pieces without unseen things. The first of a list that stays takes the link of the first that was there."""
    left: list[Piece] = []
    lost_link, dropped = "", False
    for piece in pieces:
        things = _things(piece.phrase)
        unseen = bool(piece.link and things and named) and not any(_stem(thing) in known for thing in things)
        named = named or bool(_all_things(piece))
        if unseen:
            listed = LISTING.match(piece.link)
            lost_link = lost_link if listed else piece.link
            dropped = True
            if KEEPS_PLACE.match(piece.tail) and not PLACED.match(piece.tail):
                left.append(Piece(" ", "", "", piece.tail.strip() + " "))
        elif dropped and not things and not LISTING.match(piece.link) and piece.link:
            continue  # "behind it" after a thing that is not there
        else:
            if lost_link and things and LISTING.match(piece.link):
                piece = Piece(lost_link, piece.phrase, piece.words, piece.tail)
            left.append(piece)
            lost_link, dropped = "", False
    return left


def _things(phrase: str) -> list[str]:
    """The nouns of a noun phrase that are things with an outline: 'group' and 'trees' of 'a group of trees'."""
    parts = [WORD.findall(part) for part in re.split(r"\bof\b", phrase)]
    nouns = [part[-1] for part in parts if part]
    if not nouns or nouns[0] in OUTLINELESS or nouns[-1] in OUTLINELESS | TRAITS:
        return []
    return [noun for noun in nouns if noun not in DETERMINERS | COLOURS]


def _all_things(piece: Piece) -> list[str]:
    """The things of all noun phrases of a piece, those of what follows its own included."""
    phrases, phrase = [], ""
    for word in WORD.findall((piece.words + piece.tail).lower()):
        if ends_noun_phrase(word):
            phrases.append(phrase)
            phrase = ""
        else:
            phrase += f" {word}"
    return [thing for each in [*phrases, phrase] for thing in _things(each)]


def _stem(word: str) -> str:
    """A noun without its plural ending: 'glass' and 'glasses', 'tree' and 'trees' meet."""
    return re.sub(r"(?<=[sxzh])es$|(?<=[^s])s$", "", word)


def _tidy(text: str) -> str:
    text = re.sub(r"\s+([,.])", r"\1", " ".join(text.split()))
    return text.strip(" ,")
