"""Puts the subject in: its noun phrase becomes one mark, so that the trigger absorbs what is constant about it."""

import re

from darkroom.captions.word_classes import (
    COLOURS,
    DETERMINERS,
    NOT_VERBS_IN_ING,
    PICTURE_NOUNS,
    PREPOSITIONS,
    TRAITS,
    WORD,
    ends_noun_phrase,
    is_verb,
    pronoun,
)

SUBJECT = "\ue000"  # a private character: the place of trigger and class until the very end
EARLY_WORDS = 12
QUANTITY = r"(?:an? |the )?(?:[\w-]+ )?(?:group|pair|set|couple|bunch|collection|row|number) of "
PICTURE_OF = re.compile(rf"^(?:an? |the )?(?:[\w-]+ ){{0,4}}?(?:{PICTURE_NOUNS}) of\s+", re.IGNORECASE)

Span = tuple[int, int]


def mark_subject(sentences: list[str], subject_class: str) -> list[str]:
    """The sentences with the subject's phrase replaced by SUBJECT, exactly once and early; later mentions are pronouns.

    The subject's phrase is the noun phrase around the class word (or its last word), else the first noun phrase. What
    describes the subject itself - "with brown fur", "it has a red nose" - is dropped; what it does, wears and where it
    is stays.
    """
    where, span, nouns = _find_subject(sentences, subject_class)
    if span is None:
        first = sentences[0] if sentences else ""
        joint = " " if first and ends_noun_phrase(first.split()[0]) else ", "
        return [SUBJECT + (joint + first if first else ""), *sentences[1:]]
    sentence = sentences[where]
    before = re.sub(rf"\b{QUANTITY}$", "", sentence[: span[0]], flags=re.IGNORECASE)
    main = _earlier(before + SUBJECT + _without_traits(sentence[span[1] :]))
    rest = [*sentences[:where], *sentences[where + 1 :]]
    marked = [_later_mentions(main, nouns, subject_class)]
    for other in rest:
        other = _later_mentions(other, nouns, subject_class)
        if not _tells_traits(other, subject_class):
            marked.append(other)
    return marked


def drop_picture_words(sentences: list[str]) -> list[str]:
    """Without "a painting of" and the like, for styles: the style is what the trigger shall absorb."""
    return [PICTURE_OF.sub("", sentence) or sentence for sentence in sentences]


def _find_subject(sentences: list[str], subject_class: str) -> tuple[int, Span | None, set[str]]:
    """Sentence, span and the nouns by which the subject is mentioned."""
    head = subject_class.split()[-1].lower()
    for wanted in dict.fromkeys((subject_class, head)):
        for ending in ("", "(?:s|es)"):
            for where, sentence in enumerate(sentences):
                match = re.search(rf"(?<![\w-]){re.escape(wanted)}{ending}(?![\w-])", sentence, re.IGNORECASE)
                if match:
                    return where, (_phrase_start(sentence, match.start()), match.end()), {head}
    for where, sentence in enumerate(sentences):
        span = _first_noun_phrase(sentence)
        if span is not None:
            return where, span, {head, sentence[span[0] : span[1]].split()[-1].lower()}
    return 0, None, {head}


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
    return word.endswith("ing") or (word == "and" and following is not None and following[0].lower() in COLOURS)


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
        if gap.strip() or (ends_noun_phrase(text) and text not in DETERMINERS and not adjective) or text == "of":
            break
        end = word.end()
    phrase = sentence[start:end].split()
    return None if not phrase or phrase[-1].lower() in DETERMINERS else (start, end)


def _without_traits(after: str) -> str:
    """What follows the subject, without "with brown fur and white paws" and the traits in the clauses after it."""
    match = re.match(r",? (?:with|having|that has|who has) ", after)
    if not match:
        return after
    end = _chunk_end(after, match.end())
    if not _names_trait(after[match.end() : end]):
        return after
    while after[end : end + 1] == ",":
        clause_end = _chunk_end(after, end + 1)
        if not _names_trait(after[end:clause_end]) or after[clause_end : clause_end + 1] not in ("", ","):
            break
        end = clause_end
    rest = re.sub(r"^ on (?:it|him|her|them)\b", "", after[end:])
    return re.sub(r"^,(?= \w+ing\b)", "", rest)


def _chunk_end(text: str, start: int) -> int:
    """Where a run of nouns ends: before a preposition or verb other than 'and', or a comma."""
    end = start
    for word in WORD.finditer(text, start):
        if "," in text[end : word.start()]:
            break
        if word[0].lower() != "and" and ends_noun_phrase(word[0]):
            break
        end = word.end()
    return end


def _names_trait(text: str) -> bool:
    return any(word.lower() in TRAITS for word in WORD.findall(text))


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
    """'the dog' becomes 'it', 'the dog's' becomes 'its', wherever the subject is named again."""
    he, his = pronoun(subject_class.split()[-1])
    names = "|".join(re.escape(noun) for noun in sorted(nouns))
    phrase = rf"\b(?:(?:the|this|that|a|an|his|her|its) (?:[\w-]+ ){{0,3}}?)?(?:{names})(?![\w-])"
    sentence = re.sub(rf"{phrase}['’]s\b", his, sentence, flags=re.IGNORECASE)
    sentence = re.sub(phrase, he, sentence, flags=re.IGNORECASE)
    return re.sub(r"\bthey (is|has)\b", lambda match: f"they {'are' if match[1] == 'is' else 'have'}", sentence)


def _tells_traits(sentence: str, subject_class: str) -> bool:
    """Whether a sentence only describes the subject: "it has brown fur", "her eyes are green", "it is red"."""
    he, his = pronoun(subject_class.split()[-1])
    said = [word.lower() for word in WORD.findall(sentence)]
    if said[:1] == [he] or said[:1] in (["it"], ["she"], ["he"], ["they"]):
        rest = said[1:]
        return (rest[:1] in (["has"], ["have"]) and _names_trait(sentence)) or (
            rest[:1] in (["is"], ["are"]) and bool(set(rest[1:3]) & COLOURS)
        )
    return said[:1] in ([his], ["its"], ["her"], ["his"], ["their"]) and bool(set(said[1:4]) & TRAITS)
