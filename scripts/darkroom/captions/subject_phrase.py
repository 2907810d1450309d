"""Puts the subject in: its noun phrase becomes one mark, so that the trigger absorbs what is constant about it."""

import re

from darkroom.captions.word_classes import (
    COLOURS,
    CREATURES,
    DETERMINERS,
    LIKENESSES,
    LIMBS,
    MATERIALS,
    NOT_VERBS_IN_ING,
    PARTS_OF_THINGS,
    PICTURE_NOUNS,
    POSSESSIVES,
    PREPOSITIONS,
    SYNONYMS,
    TRAITS,
    TRANSITIVE,
    WORD,
    ends_noun_phrase,
    is_doing,
    is_person,
    is_third_person,
    is_verb,
    pronoun,
)

SUBJECT = "\ue000"  # a private character: the place of trigger and class until the very end
EARLY_WORDS = 12
QUANTITY = r"(?:an? |the )?(?:[\w-]+ )?(?:group|pair|set|couple|bunch|collection|row|number) of "
PICTURE_OF = re.compile(rf"^(?:an? |the )?(?:[\w-]+ ){{0,4}}?(?:{PICTURE_NOUNS}) of\s+", re.IGNORECASE)

# A first sentence about a place names no subject.
ROOM = re.compile(
    r"(?:an?|the) (?:[\w-]+ ){0,3}?(?:room|street|kitchen|bedroom|bathroom|garden|park|city|table|shelf|house|"
    r"group|view|beach|forest|field|store|shop|office|person|man|woman|people)\b"
)

BESIDE = "behind|beside|next to|near|around|above|below|under|over|on|in|to|of|with|at|by|between|from|towards?|against"

OWN_PREDICATE = re.compile(r"['’]s (?:[\w-]+ ){1,3}?(?:is|are|was|were|has|have)\b")
FILL = "|".join(sorted(PREPOSITIONS | DETERMINERS | {"of", "and", "or", "is", "are", "has", "have"}))

Span = tuple[int, int]


def mark_subject(sentences: list[str], subject_class: str) -> list[str]:
    """The sentences with the subject's phrase replaced by SUBJECT, exactly once and early; later mentions are pronouns.

    The subject's phrase is the noun phrase around the class word (or its last word), else the first noun phrase. Where
    the class word comes later and only in "the dog ...", the first noun phrase has named it: "a border collie".
    """
    sentences = _without_compounds(sentences, subject_class.split()[-1].lower())
    where, span, nouns = _find_subject(sentences, subject_class)
    if span is None:
        first = sentences[0] if sentences else ""
        joint = " " if first and ends_noun_phrase(first.split()[0]) else ", "
        return [SUBJECT + (joint + first if first else ""), *sentences[1:]]
    sentence = sentences[where]
    before = re.sub(rf"\b{QUANTITY}$", "", sentence[: span[0]], flags=re.IGNORECASE)
    before += " " if before[-1:] not in ("", " ", "(", '"', "“") else ""
    after = re.sub(r"^['’]s ", f", {pronoun(subject_class.split()[-1])[1]} ", sentence[span[1] :])
    main = _earlier(before + SUBJECT + after)
    rest = [*sentences[:where], *sentences[where + 1 :]]
    return [_later_mentions(said, nouns, subject_class) for said in (main, *rest)]


def _find_subject(sentences: list[str], subject_class: str) -> tuple[int, Span | None, set[str]]:
    """Sentence, span and the nouns by which the subject is mentioned."""
    parts = subject_class.lower().split()
    nouns = {parts[-1]}
    for wanted in dict.fromkeys((subject_class, parts[-1])):
        # "One chair" is one of the chairs that are named elsewhere.
        for form in (rf"(?<!one )(?<!other ){re.escape(wanted)}", plural(wanted), re.escape(wanted)):
            for where, sentence in enumerate(sentences):
                match = re.search(rf"(?<![\w-]){form}(?![\w-])", sentence, re.IGNORECASE)
                if match and not (where and _is_mention(sentence, match.start(), sentences[0])):
                    start, end = _phrase_start(sentence, match.start()), _class_end(sentence, match.end(), parts)
                    return where, (start, end), nouns | _names(sentence[start:end])
    named = _synonym(sentences[0], parts[-1]) if sentences else None
    if named:
        return 0, (_phrase_start(sentences[0], named.start()), named.end()), nouns | {named[0].lower()}
    for where, sentence in enumerate(sentences):
        if sentence.split(" ", 1)[0].lower() in POSSESSIVES:  # "Her hair is blowing" names nobody
            return 0, None, nouns
        span = _first_noun_phrase(sentence)
        if span is not None:
            return where, span, nouns | _names(sentence[span[0] : span[1]])
    return 0, None, nouns


def _synonym(sentence: str, noun: str) -> re.Match[str] | None:
    """Where a sentence has another word for the class: 'lady' for woman, 'puppy' for dog."""
    others = next((names for names in SYNONYMS if noun in names), frozenset()) - {noun}
    return re.search(rf"(?<![\w-])(?:{'|'.join(sorted(others))})(?![\w-])", sentence, re.I) if others else None


def _without_compounds(sentences: list[str], noun: str) -> list[str]:
    """'the car's door' for "the car door", 'a box' for "a shoe box": there the class word names something else.

    As they are, where the class word has no other place.
    """
    if is_person(noun) or noun in MATERIALS:
        return sentences
    parts = rf"(?<![\w-]){re.escape(noun)} (?=(?:{'|'.join(sorted(PARTS_OF_THINGS))})(?![\w-]))"
    found = []
    for sentence in sentences:
        sentence = re.sub(rf"\b(the|this|that) ((?:[\w-]+ )?){parts}", rf"\1 \2{noun}'s ", sentence, flags=re.I)
        found.append(re.sub(parts, "", sentence, flags=re.IGNORECASE))
    named = rf"(?<![\w-])(?:{re.escape(noun)}|{plural(noun)})(?![\w-])"
    return found if re.search(named, " ".join(found), re.IGNORECASE) else sentences


def _names(phrase: str) -> set[str]:
    """The nouns of a noun phrase by which it may be named again: 'bunny' and 'toy' of "a stuffed bunny toy"."""
    words = re.split("['’]", phrase.lower())[0].split()
    return {*words[-1:], *(word for word in words[-2:-1] if word in CREATURES | LIKENESSES)}


def _is_mention(sentence: str, start: int, first: str) -> bool:
    """Whether "The dog ..." names again what the first sentence has called otherwise: "A border collie ..."."""
    named = re.match(r"(?:an?|the) ", first) and not ROOM.match(first)
    return bool(named) and sentence[:start].lower().endswith("the ")


def _class_end(sentence: str, end: int, parts: list[str]) -> int:
    """The end of the subject's phrase: 'toy robot' of the class 'robot toy', 'a cat figurine', "a man's face"."""
    owned = re.compile(rf"['’]s (?:[\w-]+ )?(?:{'|'.join(sorted(LIMBS | TRAITS))})\b").match(sentence, end)
    following = WORD.match(sentence, end + 1)
    if OWN_PREDICATE.match(sentence, end) or (owned and _says(sentence, owned.end())):
        return end
    if owned or (following and following[0].lower() in {*parts, *LIKENESSES}):
        return owned.end() if owned else end + 1 + len(following[0] if following else "")
    return end


def _says(sentence: str, start: int) -> bool:
    """Whether a verb follows at once: "the dog's head sticks out" is about its head, "a man's face with" is not."""
    following = WORD.match(sentence, start + 1) if sentence[start : start + 1] == " " else None
    word = following[0].lower() if following else "and"
    return word not in PREPOSITIONS and word not in ("and", "or", "of") and not word.endswith("ing")


def plural(noun: str) -> str:
    """A pattern of the plural of a noun: 'women' of 'woman', 'boxes' of 'box'."""
    if noun.lower().endswith("man"):
        return re.escape(noun[:-2]) + "en"
    return {"person": "people", "child": "children"}.get(noun.lower(), rf"{re.escape(noun)}(?:s|es)")


def _phrase_start(sentence: str, noun_start: int) -> int:
    """Where the noun phrase of the noun at `noun_start` begins: at its determiner, else after what cannot belong."""
    clause_start = start = noun_start
    in_clause = True
    for word in reversed(list(WORD.finditer(sentence, 0, noun_start))[-8:]):
        text = word[0].lower()
        gap = sentence[word.end() : clause_start]
        if ";" in gap or "." in gap or text == "of":
            break
        if text in DETERMINERS:
            return word.start()
        if text in PREPOSITIONS or (is_verb(text) and not _between_adjectives(text, sentence, word.end())):
            break
        clause_start = word.start()
        in_clause = in_clause and "," not in gap
        start = word.start() if in_clause else start
    return start


def _between_adjectives(word: str, sentence: str, end: int) -> bool:
    """'and' in "a red and blue robot", '-ing' in "a smiling woman"."""
    following = WORD.match(sentence, end + 1)
    return (word.endswith("ing") and word not in TRANSITIVE) or (
        word == "and" and following is not None and following[0].lower() in COLOURS
    )


def _first_noun_phrase(sentence: str) -> Span | None:
    """From the start, after "a close-up of", up to the first preposition, verb or comma."""
    opening = PICTURE_OF.match(sentence)
    start = opening.end() if opening else 0
    quantity = re.compile(QUANTITY, re.IGNORECASE).match(sentence, start)
    start = quantity.end() if quantity else start
    end = start
    for number, word in enumerate(WORD.finditer(sentence, start)):
        text = word[0].lower()
        gap = sentence[end : word.start()]
        adjective = number == 1 and text.endswith("ing") and text not in NOT_VERBS_IN_ING
        following = sentence[word.end() + 1 :].split(" ", 1)[0].lower()
        if text == "and" and following in COLOURS:
            continue
        if number > 1 and is_third_person(text, sentence[start:end], following):
            break
        ends = text in PREPOSITIONS or is_doing(text, following)
        if gap.strip(" and") or (ends and text not in DETERMINERS and not adjective) or text == "of":
            break
        end = word.end()
    phrase = sentence[start:end].split()
    return None if not phrase or phrase[-1].lower() in DETERMINERS else (start, end)


def _earlier(sentence: str) -> str:
    """The clause of the subject first, where more than a dozen words come before it."""
    if len(sentence[: sentence.index(SUBJECT)].split()) <= EARLY_WORDS:
        return sentence
    clauses = [clause.strip() for clause in sentence.split(",")]
    mine = next(clause for clause in clauses if SUBJECT in clause)
    before, after = mine.split(SUBJECT)
    rest = [clause for clause in clauses if clause is not mine]
    kept = re.sub(r"(?:\b(?:and|with|of|is|are|an?|the)\b\s*)+$", "", before.strip()).strip()
    return ", ".join([SUBJECT + after, *rest, *([kept] if kept else [])])


def _later_mentions(sentence: str, nouns: set[str], subject_class: str) -> str:
    """'the dog' becomes 'it', 'the dog's' 'its' wherever the subject is named again; a second dog 'another one'."""
    head = subject_class.split()[-1]
    he, his, him = pronoun(head)
    names = "|".join(re.escape(noun) for noun in sorted(nouns))
    several, other = ("people", "another person") if is_person(head) else ("of them", "another one")
    other = "someone else" if head.lower() == "person" else other
    many = "|".join(plural(noun) for noun in sorted(nouns))
    fill = rf"(?:(?!(?:{FILL})\b)[\w-]+ ){{0,3}}?"
    the, one = rf"\b(?:(?:the|this|that|his|her|its) {fill})?", rf"\b(?:an?|another|the other|the second) {fill}"
    for pattern, mention in (
        (rf"{the}(?:{names})['’]s\b", his),
        (rf"\bone {fill}(?:{names})(?![\w-])", "one person" if is_person(head) else "one"),
        (rf"\bone of (?:the|these|those) {fill}(?:{many})(?![\w-])", "one of them"),
        (rf"{one}(?:{names})(?![\w-])", other),
        (rf"\bthe {fill}(?:{names})(?= (?:on|to) (?:the|his|her|its|their) (?:other|right|left)\b)", other),
        (rf"{the}(?:{names})(?![\w-])", he),
        (rf"\bthe {fill}(?:{many})(?![\w-])", he),
        (rf"(?<![\w-])(?:{many})(?![\w-])", several),
    ):
        sentence = re.sub(pattern, mention, sentence, flags=re.IGNORECASE)
    sentence = sentence.replace(" of of them", " of them")
    sentence = re.sub(rf"\b({BESIDE}) {he}\b", rf"\1 {him}", sentence, flags=re.IGNORECASE)
    verbs = {"is": "are", "has": "have"} if he == "they" else {"are": "is", "have": "has"}
    return re.sub(rf"\b{he} ({'|'.join(verbs)})\b", lambda match: f"{he} {verbs[match[1]]}", sentence)
