"""What a captioner's answer says, without how it says it: openers, hedges and mood dropped, cut into sentences."""

import html
import re
import unicodedata
from collections.abc import Callable

from darkroom.captions.word_classes import LOOKS, PICTURE_NOUNS

QUOTES = str.maketrans("“”„‘’‚", "\"\"\"'''")
HTML = re.compile(
    r"</?(?:a|b|br|center|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|script|small|span|strong|style|sub|sup|table|td|"
    r"tr|u|ul)(?:\s[^<>]*)?/?>|<!--.*?-->",
    re.IGNORECASE | re.DOTALL,
)
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
# What says no more than that it is a picture; "a close-up of" and "a black and white photograph of" say more.
PLAIN_PICTURES = "moment|image|picture|photo|photograph|photography|shot|snapshot|screenshot|scene"
EMPTY = (
    "candid|colou?r|colou?rful|digital|high[- ]quality|high[- ]resolution|beautiful|stunning|professional|simple|"
    "detailed|realistic|clear|vibrant|vivid|captivating|charming|lovely|nice|still|cropped"
)
OPENERS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?:sure|certainly|of course|okay|absolutely)[!,.:]?(?:\s+|$)",
        r"^here(?:['’]s| is) (?:an?|the|my) (?:[\w-]+ ){0,3}?(?:description|caption|summary)"
        r"(?: (?:of|for) [^:]*)?:?\s*",
        rf"^the (?:{PICTURE_NOUNS}) (?:that )?(?:you(?:['’]ve| have)?|was) "
        rf"(?:provided|shared|uploaded|sent|attached) {SHOWS}\s+",
        r"^(?:i can(?:not|['’]t)|i['’]m (?:not able|unable) to|i am unable to|i do not|i don['’]t) (?:[\w-]+ ){1,8}?"
        r"[\w-]+, but (?:i can (?:see|tell|describe)(?: that)? )?",
        r"^(?:setting|lighting|background|subject|description|caption|composition|style|pose|clothing|scene|camera"
        r"|foreground|details|action|colou?rs):\s*",
        r"^(?:also|additionally|furthermore|moreover|overall|finally|and)\b,?\s+",
        rf"^{CENTRE}[, ]+(?:{SEE}|(?:is|are))\s+",
        rf"^(?:in|on|within) (?:the|this) (?:{PICTURE_NOUNS})[, ]+(?:{SEE}\s+|(?:is|are) )?",
        rf"^(?:the|this|an?) (?:[\w-]+ )?(?:{PICTURE_NOUNS}) {SHOWS}\s+",
        rf"^(?:the|this) (?:{PICTURE_NOUNS}) (?:is|was)\s+",
        rf"^{SEE}\s+",
        r"^(?:this|it) (?:is|shows|depicts) (?=an? )",
        r"^here (?:is|we (?:have|see)) (?=an? )",
        rf"^(?:an?|the)? ?(?:(?:{EMPTY})[ ,]+)*(?:{PLAIN_PICTURES}) (?:of|capturing|showing|depicting|featuring|"
        rf"shows|captures)\s+",
        r"^it (?:is possible|is likely|seems|looks like|appears)(?: that)?,?\s+",
    )
]
PLACED = re.compile(rf"^({PLACE})[, ]+(?:{SEE} )(.+)$", re.IGNORECASE)
PLACED_SEEN = re.compile(rf"^({PLACE})[, ]+(.+?) (?:can be seen|(?:is|are) visible)(.*)$", re.IGNORECASE)
BACKGROUND = re.compile(
    rf"^the (background|foreground)(?: of the (?:{PICTURE_NOUNS}))? "
    r"(?:shows|features|consists of|contains|includes|has|is filled with) (.+)$",
    re.IGNORECASE,
)
FEEL = "atmosphere|mood|feel|feeling|vibe|look|quality|touch|effect|impression|sense|tone|ambiance|ambience|contrast"
LOOK = rf"(?:{'|'.join(sorted(LOOKS))})"


def _contraction(match: re.Match[str]) -> str:
    return f"{match[1]} {'are' if match[1].lower() == 'they' else 'is'}"


REWORDINGS: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r",? who (?:appears|seems|looks|is)(?: to be)? (?:in|around|about) [^,;]*(?:\d0s|old|ties|age|teens)\b,?", ""),
        (r"\bwhat (?:appears|seems) to be ", ""),
        (r"^it (?:is possible|is likely|seems|looks like|appears)(?: that)?,? ", ""),
        (r"\bit (?:seems|looks like|appears)(?: that)?,? (?=(?:she|he|it|they|the|there)\b)", ""),
        (rf" and (?:has|have) an? (?:[\w-]+ )*(?:{FEEL})\b", ""),
        (r"\bwhat looks like ", ""),
        (r"\b(?:appears|seems) to be\b", "is"),
        (r"\b(?:appear|seem) to be\b", "are"),
        (r"\b(?:appears|seems) to have\b", "has"),
        (r"\b(?:possibly|probably|likely|perhaps|maybe|presumably|apparently) ", ""),
        (r" (?:that )?can be seen\b", ""),
        (r"^((?!only|no ).*?) (?:is|are) (?:clearly )?visible\b(?!,? (?:and|but|while)\b)", r"\1"),
        (r",? which (?:makes|gives|creates|adds|suggests|indicates|draws|emphasizes|enhances) [^.;]*", ""),
        (r"\b(he|she|it)['’]s got\b", r"\1 has"),
        (r"\b(he|she|it|they|there)['’](?:s|re)\b", _contraction),
        (
            r" in (?:her|his|their) (?:(?:early|mid|late)[- ])?(?:teens|twenties|thirties|forties|fifties|"
            r"sixties|\d0s)\b",
            "",
        ),
        (r" (?:that|who|which) (?:is|are) (?=\w+ing\b)", " "),
        (rf"\b({LOOK}), (?=(?:{LOOK},? ){{0,2}}{LOOK} (?:hair|fur|coat|beard|eyes)\b)", r"\1 "),
        (r"(?:,|,? and|,? while|,? where) there (?:is|are)(?: also)? ", ", "),
        (r"(?:,|,? and|,? while|,? where) (?:we|you|one|i) can (?:also )?see ", ", "),
        (r" (?:shown |seen )?in (?:the|this) (?:image|picture|photo|photograph)\b", ""),
        (rf",? (?:in|at) the (?:center|centre|middle) of the (?:{PICTURE_NOUNS})\b", ""),
        (rf" of (?:the|this) (?:{PICTURE_NOUNS})\b", ""),
        (r", (?:creating|evoking|conveying|suggesting|indicating|making it|making the) [^.;]*", ""),
        (rf",? (?:creating|giving|adding|lending|evoking|conveying) [^.;]*\b(?:{FEEL})\b[^.;]*", ""),
        (r",? (?:suggesting|indicating|hinting|implying) (?:that|a|an|the|at) [^.;]*", ""),
        (r"\b(\w+) \1\b", r"\1"),
    )
]
# Nothing of the photo itself: marks that were put on it, and praise.
MOOD = re.compile(
    r"^(?:let me know|feel free|i hope|please let|would you like|if you (?:need|want|have|would)|i can(?:not|['’]t) "
    r"(?:identify|tell|see|determine|recognize)|i['’]m (?:sorry|unable|not able)|is there anything)\b"
    r"|^(?:the |its )?(?:(?:overall|general|entire) )?(?:mood|atmosphere|tone|feeling|vibe|impression|composition)\b"
    r"|\b(?:atmosphere|a sense of|a touch of|aesthetic|the overall|watermark\w*|copyright|timestamp|signature)\b"
    rf"|^(?:the |this )?(?:{PICTURE_NOUNS}) (?:has|have|exudes|evokes|conveys) an? (?:[\w-]+ )*(?:{FEEL})\b",
    re.IGNORECASE,
)


def clean_text(text: str) -> str:
    """One line of printable text, without markup, special tokens and invisible characters, at most 5000 characters."""
    if len(text) > LONGEST:
        text = "".join(text[:LONGEST].rsplit(maxsplit=1)[:1])
    # Straight quotes, as in the texts that CLIP was trained on.
    text = unicodedata.normalize("NFC", html.unescape(text)).translate(QUOTES)
    text = re.sub(r"<(?:lora|lyco|hypernet):[^>]*>|</?s>|<pad>|<unk>|<loc_\d+>|[*_#`]{2,}", " ", text)
    text = HTML.sub(" ", text)
    # Format characters turn the reading direction round or hide in words; the joiner holds an emoji together.
    text = "".join(sign for sign in text if sign == "\u200d" or unicodedata.category(sign) != "Cf")
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
            sentence = _with_place("".join(match.groups()[1:]), _place(match[1]))
    match = BACKGROUND.match(sentence)
    if match:
        sentence = f"{match[2]} in the {match[1].lower()}"
    # Openers go first, because hedges hold parts of them, and again, because a hedge may hide one.
    sentence = _without_openers(sentence)
    for pattern, replacement in REWORDINGS:
        sentence = pattern.sub(replacement, sentence)
    return small_start(_without_openers(sentence))


def openers(text: str) -> set[str]:
    """What the sentences of a text begin with that says nothing of the photo, such as 'The image shows'."""
    starts = re.split(r"(?<=[.!?]) ", text)
    return {found[0].lower() for start in starts for opener in OPENERS if (found := opener.search(start))}


def _without_openers(sentence: str) -> str:
    before = None
    while before != sentence:
        before = sentence
        for opener in OPENERS:
            sentence = opener.sub("", sentence).strip(" ,")
    return sentence


def _with_place(said: str, place: str) -> str:
    """The place after what is there: after a whole list, else before the first comma."""
    if re.fullmatch(r"(?:(?!\b(?:with|which|where|while|is|are)\b|\w+ing\b).)*", said):
        return f"{said} {place}"
    head, comma, tail = said.partition(",")
    return f"{head} {place}{comma}{tail}"


def _place(phrase: str) -> str:
    """'in the background' of 'In the background of the image'."""
    return re.sub(rf" of (?:the|this) (?:{PICTURE_NOUNS})$", "", phrase.lower())


def small_start(sentence: str) -> str:
    """The first letter small, unless its word has more capitals or digits, as names and signs have."""
    word = sentence.split(" ", 1)[0]
    return sentence if word[1:] != word[1:].lower() or word == "I" else sentence[:1].lower() + sentence[1:]
