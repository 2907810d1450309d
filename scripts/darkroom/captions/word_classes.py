"""The closed word classes by which a description is read: English as captioners write it."""

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


DETERMINERS = words("a an the this that these those his her its their one two three four five six several some many")
PREPOSITIONS = words(
    "on in at by with without under over above below behind beside near against between among amid across through "
    "into onto along around inside outside from toward towards beneath beyond atop before after during to for as "
    "next front while where which who that"
)
# Longest first, so that "in front of" is one cut and not two.
LONG_PREPOSITIONS = (
    "in front of", "on top of", "in the middle of", "in the center of", "in the centre of", "on the side of",
    "next to", "close to", "out of", "at the top of", "at the bottom of", "on the edge of", "surrounded by",
    "filled with", "covered in", "covered with", "covered by", "lit by", "decorated with",
)  # fmt: skip
VERBS = words(
    "is are was were be being been has have had stands sits lies rests looks holds wears walks runs plays jumps poses "
    "leans hangs faces seems appears seen shown placed set standing sitting lying resting painted parked surrounded "
    "located positioned perched visible dressed covered and or but"
)
NOT_VERBS_IN_ING = words(
    "building painting clothing ceiling evening morning string ring king thing wing lightning spring railing drawing "
    "wedding earring something everything nothing anything sling awning paving flooring bedding stuffing"
)
COLOURS = words(
    "red orange yellow green blue purple pink white black brown grey gray golden gold silver beige tan cream teal "
    "turquoise violet magenta cyan maroon navy colorful colourful multicolored striped spotted"
)
TRAITS = words(
    "hair eyes eye fur coat beard moustache mustache freckles skin face nose ears ear tail mane paws whiskers spots "
    "stripes feathers beak horns muzzle snout complexion eyebrows lips cheeks head body belly arms legs feet wheels "
    "handle buttons antenna antennas lid spout"
)
PICTURE_NOUNS = (
    "image|picture|photo|photograph|photography|scene|shot|snapshot|portrait|selfie|close-up|closeup|close up|view|"
    "illustration|painting|drawing|sketch|artwork|rendering|render|cartoon"
)
SHE = words("woman girl lady female mother bride actress queen princess")
HE = words("man boy guy gentleman male father groom actor king prince")
THEY = words("person people child kid couple")

WORD = re.compile(r"[\w'’-]+")


def is_verb(word: str) -> bool:
    """Whether a word ends a noun phrase as a verb or conjunction would."""
    word = word.lower()
    return word in VERBS or (word.endswith("ing") and len(word) > 4 and word not in NOT_VERBS_IN_ING)


def ends_noun_phrase(word: str) -> bool:
    """Whether a noun phrase stops before this word."""
    return word.lower() in PREPOSITIONS or is_verb(word)


def pronoun(noun: str) -> tuple[str, str]:
    """The pronoun and its possessive for a class word: ("she", "her") for woman, ("it", "its") for dog."""
    noun = noun.lower()
    if noun in SHE:
        return "she", "her"
    if noun in HE:
        return "he", "his"
    return ("they", "their") if noun in THEY else ("it", "its")
