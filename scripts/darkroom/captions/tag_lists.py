"""Descriptions that are lists of tags, as taggers and booru sidecars write them: each tag with its kind."""

import re

from darkroom.captions.style_words import is_style_tag
from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.trait_lists import Trait, TraitKind, key_of, kind_of_trait
from darkroom.captions.word_classes import COLOURS, DETERMINERS, LIMBS, META_TAGS, PREPOSITIONS, is_person, words
from darkroom.config.captions import SubjectSettings

# A tag that is one word of these is the subject's; "wood" or "bright light" may be the place's.
APPEARANCES = COLOURS | words(
    "small tiny big large tall short young old fluffy furry shaggy slim chubby fat bald muscular cute blonde brunette "
    "redhead ginger bearded freckled"
)
# Looks wherever on the body they are: "scar on face", "mole under eye".
MARKS = words("mole moles scar scars tattoo tattoos freckles birthmark wrinkles facepaint dimple dimples")
MOST_WORDS = 5
FEWEST_TAGS = 3
FRAMES = ("upper body", "lower body", "full body", "head shot", "from behind", "feet out of frame", "portrait")
COUNT = re.compile(r"\d|solo", re.IGNORECASE)
WEIGHT = re.compile(r"^[([{]+(.*?)(?::\s*[\d.]+)?[)\]}]+$")
SENTENCE = re.compile(r"[.!?](?:\s|$)|\b(?:is|are|has|have)\b", re.IGNORECASE)


def is_tag_list(text: str) -> bool:
    """Whether a description is a list of tags: short pieces between commas, no sentence, few articles."""
    tags = _split(text)
    articles = sum(tag.split(" ", 1)[0].lower() in DETERMINERS for tag in tags)
    short = all(len(tag.split()) <= MOST_WORDS for tag in tags)
    return len(tags) >= FEWEST_TAGS and short and not articles and not SENTENCE.search(text)


def read_tags(text: str, subject: SubjectSettings) -> tuple[Trait, ...]:
    """The tags of a list, each once, in their order; the subject, where it has a place in them, is the first.

    The tag that ends in the class word is the subject's. Without one, and where nobody is counted ("1girl"), a thing
    or an animal is what the first tag names.
    """
    tags = _split(text)
    if subject.kind == "style":
        kept = [
            tag
            for tag in tags
            if not is_style_tag(tag.lower()) and (COUNT.match(tag) or not META_TAGS.match(tag.lower()))
        ]
        return tuple(Trait(tag, "other", key_of(tag)) for tag in dict.fromkeys(kept))
    head = subject.subject_class.split()[-1]
    own = re.compile(rf"(?<![\w-]){re.escape(head)}s?$", re.IGNORECASE)
    counted = is_person(head) or any(META_TAGS.match(tag.lower()) for tag in tags) or any(map(own.search, tags))
    others = [tag for tag in tags[0 if counted else 1 :] if not own.search(tag) and not META_TAGS.match(tag.lower())]
    # "Dog collar" of a dog: the class is said once.
    others = [
        " ".join(re.sub(rf"(?<![\w-]){re.escape(head)}(?![\w-])", "", tag, flags=re.IGNORECASE).split())
        for tag in others
    ]
    found = {tag.lower(): Trait(tag, _kind(tag.lower()), key_of(tag)) for tag in others if tag}
    return (Trait(SUBJECT, "other", (SUBJECT, "")), *found.values())


def _kind(tag: str) -> TraitKind:
    said = re.findall(r"[\w-]+", tag)
    if not said or tag in FRAMES:
        return "other"
    if said[0] in MARKS:
        return "look"
    if set(said) & LIMBS and set(said) & (PREPOSITIONS | {"up", "down", "own"}):
        return "other"
    # A window or a keyboard among the tags of a mug is the place's: parts are no looks here.
    found = kind_of_trait(tag, said[-1], "character")
    return "look" if found == "other" and all(word in APPEARANCES for word in said) else found


def _split(text: str) -> list[str]:
    """The tags of a text, without weights, with spaces for underscores."""
    tags = []
    for piece in re.split(r"[,\n]", text):
        tag = WEIGHT.sub(r"\1", piece.strip().rstrip(".")).replace("\\", "").strip()
        tag = tag.replace("_", " ") if re.search(r"[^\W\d_]{2}", tag) else tag
        if tag:
            tags.append(" ".join(tag.split()))
    return tags
