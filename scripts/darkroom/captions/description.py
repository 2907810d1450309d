"""What a captioner's answer says, without how it says it: openers, hedges and mood dropped, cut into sentences."""

import re
import unicodedata

from darkroom.captions.word_classes import PICTURE_NOUNS

LONGEST = 5000  # characters: more words than any text encoder reads
SEE = r"(?:(?:we|you|one|i) (?:can |could )?(?:also )?(?:see|observe|notice|find)|there (?:is|are)(?: also)?)"
PLACE = (
    r"(?:in|on|at|to|towards) (?:the|its) (?:background|foreground|distance|back|left|right|top|bottom)"
    rf"(?: (?:side|corner|part|hand side))?(?: of (?:the|this) (?:{PICTURE_NOUNS}))?"
)
CENTRE = rf"(?:in|at) the (?:center|centre|middle)(?: of (?:the|this) (?:{PICTURE_NOUNS}))?"
SHOWS = (
    r"(?:(?:also )?(?:shows?|depicts?|features?|captures?|displays?|presents?|portrays?|contains?|includes?|showcases?)"
    r"|(?:is|was) (?:showing|of)|(?:is|was)(?= (?:an?|the|taken|black)\b))"
)
OPENERS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?:also|additionally|furthermore|moreover|overall|finally|and)\b,?\s+",
        rf"^{CENTRE}[, ]+(?:{SEE}|(?:is|are))\s+",
        rf"^(?:in|on|within) (?:the|this) (?:{PICTURE_NOUNS})[, ]+(?:{SEE}\s+|(?:is|are) )?",
        rf"^(?:the|this|an?) (?:[\w-]+ )?(?:{PICTURE_NOUNS}) {SHOWS}\s+",
        rf"^(?:the|this) (?:{PICTURE_NOUNS}) (?:is|was)\s+",
        rf"^{SEE}\s+",
        r"^(?:this|it) (?:is|shows|depicts) (?=an? )",
        r"^(?:an?|the) (?:image|picture|photo|photograph) of\s+",
    )
]
PLACED = re.compile(rf"^({PLACE})[, ]+(?:{SEE} )(.+)$", re.IGNORECASE)
PLACED_SEEN = re.compile(rf"^({PLACE})[, ]+(.+?) (?:can be seen|(?:is|are) visible)(.*)$", re.IGNORECASE)
BACKGROUND = re.compile(
    rf"^the (background|foreground)(?: of the (?:{PICTURE_NOUNS}))? "
    r"(?:shows|features|consists of|contains|includes|has|is filled with) (.+)$",
    re.IGNORECASE,
)
REWORDINGS = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\bwhat (?:appears|seems) to be ", ""),
        (r"\bwhat looks like ", ""),
        (r"\b(?:appears|seems) to be\b", "is"),
        (r"\b(?:appear|seem) to be\b", "are"),
        (r"\b(?:appears|seems) to have\b", "has"),
        (r"\b(?:possibly|probably|likely|perhaps|maybe|presumably|apparently) ", ""),
        (r" (?:that )?can be seen\b", ""),
        (r" (?:is|are) (?:clearly )?visible\b", ""),
        (r"(?:,|,? and|,? while|,? where) there (?:is|are)(?: also)? ", ", "),
        (r"(?:,|,? and|,? while|,? where) (?:we|you|one|i) can (?:also )?see ", ", "),
        (r" (?:shown |seen )?in (?:the|this) (?:image|picture|photo|photograph)\b(?=.)", ""),
        (rf",? (?:in|at) the (?:center|centre|middle) of the (?:{PICTURE_NOUNS})\b", ""),
        (rf" of (?:the|this) (?:{PICTURE_NOUNS})\b", ""),
        (r",? (?:creating|giving|adding|evoking|conveying|suggesting|indicating|making it) [^.;]*", ""),
        (r"\b(\w+) \1\b", r"\1"),
    )
]
MOOD = re.compile(
    r"^(?:the |its )?(?:(?:overall|general|entire) )?(?:mood|atmosphere|tone|feeling|vibe|impression|composition)\b"
    r"|\b(?:atmosphere|a sense of|a touch of|aesthetic|the overall)\b",
    re.IGNORECASE,
)


def clean_text(text: str) -> str:
    """One line of printable text, without markup, special tokens and private characters, at most 5000 characters."""
    if len(text) > LONGEST:
        text = "".join(text[:LONGEST].rsplit(maxsplit=1)[:1])
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"</?s>|<pad>|<unk>|<loc_\d+>|[*_#`]{2,}", " ", text)
    text = "".join(" " if unicodedata.category(sign) in {"Cc", "Co", "Cs", "Cn", "Zl", "Zp"} else sign for sign in text)
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """The sentences of a description: each without opener, hedge and full stop, starting with a small letter.

    Tags stay one sentence. Empty where the text says nothing.
    """
    parts = re.split(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]?[A-Z0-9])|;\s+", clean_text(text))
    found = []
    for part in parts:
        sentence = _plain(part.strip().rstrip(".!? "))
        if sentence and not MOOD.search(sentence) and sentence not in found:
            found.append(sentence)
    return found


def _plain(sentence: str) -> str:
    """A sentence without opener and hedge; what is said to be in a place ends with the place."""
    for pattern in (PLACED, PLACED_SEEN):
        match = pattern.match(sentence)
        if match:
            head, comma, tail = "".join(match.groups()[1:]).partition(",")
            sentence = f"{head} {_place(match[1])}{comma}{tail}"
    match = BACKGROUND.match(sentence)
    if match:
        sentence = f"{match[2]} in the {match[1].lower()}"
    # Openers go first, because hedges hold parts of them, and again, because a hedge may hide one.
    sentence = _without_openers(sentence)
    for pattern, replacement in REWORDINGS:
        sentence = pattern.sub(replacement, sentence)
    return _small_start(_without_openers(sentence))


def _without_openers(sentence: str) -> str:
    before = None
    while before != sentence:
        before = sentence
        for opener in OPENERS:
            sentence = opener.sub("", sentence).strip(" ,")
    return sentence


def _place(phrase: str) -> str:
    """'in the background' of 'In the background of the image'."""
    return re.sub(rf" of (?:the|this) (?:{PICTURE_NOUNS})$", "", phrase.lower())


def _small_start(sentence: str) -> str:
    """The first letter small, unless its word has more capitals or digits, as names and signs have."""
    word = sentence.split(" ", 1)[0]
    return sentence if word[1:] != word[1:].lower() or word == "I" else sentence[:1].lower() + sentence[1:]
