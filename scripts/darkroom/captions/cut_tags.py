"""Cuts a sentence into tags: between commas, prepositions, verbs and the "and" of a list; idioms stay whole."""

import re

from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.word_classes import (
    COLOURS,
    DETERMINERS,
    DOING_OF,
    LIMBS,
    LONG_PREPOSITIONS,
    PICTURE_NOUNS,
    PREPOSITIONS,
    STATES,
    TRAITS,
    TRANSITIVE,
    is_doing,
    is_third_person,
    is_verb,
    participle,
    words,
)

FRAMING = {
    "close up": "close-up",
    "shallow depth of field": "shallow depth of field",
    "looking out (?:of )?(?:a|the) window": "looking out of window",
    "seen up close": "close-up",
    "up close": "close-up",
    "two people": "two people",
    "seen from medium distance": "medium shot",
    "seen from far away": "wide shot",
    "from far away": "wide shot",
    "taken from a distance": "wide shot",
    "from a low angle": "low angle",
    "from a high angle": "high angle",
    "at eye level": "eye level",
    "from above": "from above",
    "from below": "from below",
    "from behind": "from behind",
    "from the side": "from side",
    "taken outside": "outdoors",
    "taken inside": "indoors",
    "facing (?:to )?the left": "facing left",
    "facing (?:to )?the right": "facing right",
    "facing away": "facing away",
    "looking off to the side": "looking to the side",
    "looking away": "looking away",
    "out of focus": "out of focus",
    "switched on": "switched on",
    "switched off": "switched off",
}
SAYS_NOTHING = words(
    "it its she her he his they their them there this that which who image picture photo photograph scene background "
    "foreground distance back left right side top bottom center centre middle front and or but also other seen shown "
    "placed visible wearing is are has have taken outside inside both completely of next close up both sides hers one "
    "people's lined not him them she he"
)
AUXILIARIES = words("is are was were")
WEAK = words("coming going being having wearing including featuring")
POSTURES = DOING_OF | {"seated": "sitting", "perched": "perched", "parked": "parked"}
PRONOUNS = words("it she he they")
ARTICLES = words("a an the its his her their")
CUT, GLUE, QUOTE = "\x1f", "\xa0", "\ue001"
LIMB = "|".join(sorted(LIMBS))
BODY = "|".join(sorted(LIMBS | TRAITS | words("shoulder shoulders waist wrist wrists hips lap pocket pockets")))
POSE = re.compile(
    rf"(?:(?:with|has|have) )?\b(?:her|his|its|their) ({LIMB})(?: (?:is|are))? "
    r"(?:(in|on|to|behind|around|toward|towards) (?:her|his|its|their|the) (\w+)"
    r"|(crossed|closed|open|folded|raised|outstretched|hanging out|out|turned away|tilted|lowered|spread))"
)
# "Holding a fan in front of her face": where on the body says little, unless the body does something there.
ON_BODY = re.compile(
    r" (?:with (?:both|one)|(?:in front of|between|behind|around|over|with|on|in) (?:its|her|his|their)(?: \w+)?) "
    rf"(?:{BODY})\b(?! (?:{'|'.join(sorted(STATES))})\b)"
)
TEXT = re.compile(
    r"(?:(?:with|and|has|have|saying|says|reads|the|a|an|word|words|text|lettering|inscription|sign|time|that|reading|"
    r"on (?:the|a) \w+|of)[ ,]+)*[\"“]([^\"”]+)[\"”](?: (?:is )?(?:written|printed|painted))?(?: (?:on|"
    r"across) (?:it|its \w+)\b)?"
)
AT_CAMERA = re.compile(
    r"\b(\w+ing)( up| down)? (?:directly |straight )?(?:at|into|towards?) (?:the )?(camera|viewer)\b"
)
ONE_OF = re.compile(r"\bone of (?:its|her|his|the) (\w+?)s (?:is|are) (\w+)")
QUALITY = re.compile(
    r"(?:^|(?<=[ ,]))(?:(?:the|its|her|his|their) )?([\w-]+) (?:is|are) (?:(?:very|completely|all|quite|"
    r"painted) )?((?:[\w-]+ )?[\w-]+)(?: and (\w+))?"
    r"(?=$|,| with | in | and (?:the|it|she|he|they|its|her|his) )"
)


def cut_sentence(sentence: str) -> list[str]:
    """The tags of a sentence in small letters."""
    pieces = [_tag(piece) for piece in _pieces(_with_idioms(sentence))]
    return [piece.replace(GLUE, " ").replace(QUOTE, '"') for piece in pieces if piece]


def _with_idioms(sentence: str) -> str:
    """A sentence in which what must stay one tag holds together and stands alone."""
    sentence = TEXT.sub(lambda match: _idiom(f"text {QUOTE}{match[1].strip(' .,')}{QUOTE}"), sentence)
    sentence = AT_CAMERA.sub(lambda match: _idiom(f"{match[1]}{match[2] or ''} at {match[3]}"), sentence)
    for phrase, framing in FRAMING.items():
        sentence = re.sub(rf"\b{phrase}\b", _idiom(framing), sentence)
    sentence = QUALITY.sub(_quality, sentence)
    sentence = POSE.sub(lambda match: _idiom(" ".join(word for word in match.groups() if word)), sentence)
    sentence = ON_BODY.sub("", sentence)
    sentence = ONE_OF.sub(r"\2 \1", sentence)
    for phrase in LONG_PREPOSITIONS:
        sentence = re.sub(rf"\b{phrase}\b", CUT, sentence)
    return re.sub(rf"\b({PICTURE_NOUNS}) of\b", rf"\1{CUT}", sentence)


def _idiom(text: str) -> str:
    return f"{CUT}{text.replace(' ', GLUE)}{CUT}"


def _quality(match: re.Match[str]) -> str:
    """'blue sky' of "the sky is blue"; what the subject or a pronoun is stays as it is."""
    noun, quality, more = match[1], match[2], match[3]
    said = [*quality.split(), *([more] if more else [])]
    plain = noun not in SAYS_NOTHING - {"background", "foreground"} and SUBJECT not in noun
    filled = match.string[match.end() :].startswith(" with") and quality.endswith("ed")
    if not plain or filled or any(word in PREPOSITIONS | DETERMINERS or is_verb(word) for word in said):
        return match[0]
    turned = said[0] in ("up", "down", "out", "on", "off")  # "tail up", as taggers write it
    return f"{CUT}{' '.join([noun, *said] if turned else [*said, noun])}{CUT}"


def _pieces(sentence: str) -> list[str]:
    pieces: list[list[str]] = [[]]
    after = CUT  # what the piece follows: a cut, a preposition, a verb, "and"
    of_subject = False  # whether the next verb is the subject's
    tokens = _tokens(sentence)
    for before, word, following in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        piece = pieces[-1]
        joined = CUT if _new_noun(piece, after) else after
        if word == "and" and before in COLOURS and following in COLOURS:
            piece.append(word)
        elif word in (CUT, "and") or word in PREPOSITIONS:
            pieces.append([])
            after, of_subject = word, of_subject and word != CUT
        elif _is_unknown_verb(word, before, following, piece):
            pieces.append([participle(word)])
            after, of_subject = word, False
        elif word in AUXILIARIES and following.endswith("ing") and _does(piece, joined):
            continue
        elif _is_doing(word, before, following, piece):
            if _does(piece, joined if before in AUXILIARIES else after) and word.endswith("ing") and word not in WEAK:
                piece.append(word)
                continue
            pieces.append(_action(word, of_subject or (not piece and after == CUT)))
            after, of_subject = word, of_subject and word.endswith("ing")
        else:
            piece.append(word)
            of_subject = of_subject or SUBJECT in word or word in PRONOUNS
    return [" ".join(piece) for piece in pieces]


def _tokens(sentence: str) -> list[str]:
    """Words and cuts; the subject begins a piece of its own."""
    cut = re.sub(rf"(?<!\d):|[,;()\"]|{CUT}", f" {CUT} ", sentence.replace(SUBJECT, f"{CUT}{SUBJECT}"))
    return [token for token in cut.split(" ") if token]


def _is_doing(word: str, before: str, following: str, piece: list[str]) -> bool:
    """Whether a word is a verb, unlike 'trekking' of "holding trekking poles", 'smiling' of "a smiling sun"."""
    adjective = word.endswith("ing") and (before in DETERMINERS or (before in TRANSITIVE and bool(piece)))
    return is_doing(word, following) and not adjective


def _is_unknown_verb(word: str, before: str, following: str, piece: list[str]) -> bool:
    """'applies' of "the woman applies mascara", 'hails' of "a coat hails a taxi", 'wrapped' of "a baby wrapped"."""
    if is_verb(word):
        return False
    if SUBJECT in before:
        return is_third_person(word, f"a {before}", following) or bool(re.fullmatch(r"\w{3,}ed|taken", word))
    return is_third_person(word, " ".join(piece), following)


def _action(verb: str, of_subject: bool) -> list[str]:
    """The tag that a verb begins: its own for a doing or for how the subject stands; none for other verbs."""
    if verb.endswith("ing"):
        return [] if verb in WEAK else [verb]
    doing = POSTURES.get(verb) if of_subject else None
    return [doing, *([] if doing in TRANSITIVE else [CUT])] if doing and doing not in WEAK else []


def _new_noun(piece: list[str], after: str) -> bool:
    """Whether "and" begins something of its own: 'and the waves', not the scarf of 'a hat and a red scarf'."""
    return after == "and" and piece[:1] in (["the"], ["its"], ["her"], ["his"], ["their"])


def _does(piece: list[str], after: str) -> bool:
    """Whether a doing belongs to the noun before it: 'waves crashing', but not what the subject does."""
    owned = bool(piece) and not any(SUBJECT in word for word in piece) and piece[-1] not in SAYS_NOTHING
    return owned and after == CUT


def _tag(piece: str) -> str:
    """A piece without determiners; empty where nothing is left that says anything."""
    left = [word.strip(".!?'’“”") for word in piece.split()]
    while left and (left[0] in DETERMINERS or left[0] in ("and", "or", "of")):
        left.pop(0)
    left = [word for word in left if word and word not in ARTICLES]
    while left and left[-1] in ("of", "she", "he", "they", "it"):
        left.pop()
    return "" if all(word in SAYS_NOTHING for word in left) else " ".join(left)
