"""Statements put together again, without the traits that the trigger shall absorb."""

import re
from collections.abc import Callable

from darkroom.captions.statements import Clause, Statement
from darkroom.captions.subject_phrase import SUBJECT
from darkroom.captions.trait_lists import Trait, TraitList
from darkroom.captions.word_classes import OTHERS, ends_noun_phrase, is_verb

Absorbed = Callable[[Trait], bool]
PREDICATE = re.compile(r"(?:is|are|was|were|has|have|wears)\b")
OWNER_OF = {"her": "she", "his": "he", "its": "it", "their": "they"}


def write_statement(statement: Statement, absorbed: Absorbed) -> str:
    """A statement without absorbed traits; empty where nothing is left to say."""
    text = ""
    who = ""
    unsaid = False  # whether the last clause lost its "has ..." and has no other verb
    hanging = False  # whether all that was said of the subject so far is gone
    for clause in statement:
        who = clause.start or who or _owner(clause)
        said = _write_clause(clause, absorbed)
        if not said and SUBJECT not in clause.start:
            hanging = hanging or text.endswith(SUBJECT)
            continue
        if not said:
            hanging = bool(clause.parts)
            text += (clause.joint if text else "") + clause.start
            continue
        own = clause.start or ("" if text or not PREDICATE.match(said) else who)
        if not clause.start and own:
            said = _agreeing(said, own)
        joint = clause.joint if text else ""
        if unsaid and not clause.start and PREDICATE.match(said):
            joint = " "
        if hanging and SUBJECT not in clause.start:
            joint, own = _after_name(said, clause)
            said = _agreeing(said, "" if own or joint != " " else "it")
        gap = "" if said.startswith((",", "'", "’")) or not own else " "
        text += joint + own + gap + said
        hanging, unsaid = False, _lost_predicate(clause, said, absorbed)
    return _mended(text)


def _lost_predicate(clause: Clause, said: str, absorbed: Absorbed) -> bool:
    """Whether what a clause said with its only verb is gone: 'the woman on the left' of "... has blonde hair"."""
    last = clause.parts[-1]
    gone = isinstance(last, TraitList) and last.lead in ("has", "have", "wears") and not _write_list(last, absorbed)
    return gone and not any(is_verb(word) and not word.endswith("ing") for word in said.split())


def _owner(clause: Clause) -> str:
    """'it' where the clause is a trait such as "its eyes are green": what follows it may be said of the subject."""
    trait = clause.parts[0] if clause.parts else ""
    owner = trait.text.split(" ", 1)[0].lower() if isinstance(trait, TraitList) and not trait.lead else ""
    return OWNER_OF.get(owner, "")


def _agreeing(said: str, who: str) -> str:
    """'is looking' of "its eyes are green and are looking" when it is said of the subject itself."""
    if who.lower() not in ("she", "he", "it"):
        return said
    return re.sub(r"^(are|have|were)\b", lambda match: {"are": "is", "have": "has", "were": "was"}[match[1]], said)


def _after_name(said: str, clause: Clause) -> tuple[str, str]:
    """Joint and start of a clause that follows the bare name of the subject, whose looks have gone."""
    if clause.start or PREDICATE.match(said):
        return " ", ""
    others = {word.lower() for word in re.findall(r"[\w-]+", said)} & OTHERS
    return (clause.joint, "") if others else (", ", "")


def _write_clause(clause: Clause, absorbed: Absorbed) -> str:
    text = ""
    gone = False
    for part in clause.parts:
        piece = part if isinstance(part, str) else _write_list(part, absorbed)
        if not piece:
            text, gone = re.sub(r"(?:, and|,| and)? *$", lambda match: "," if "," in match[0] else "", text), True
            continue
        if gone and isinstance(part, str):
            piece = _after_gap(piece, text)
        text += piece
        gone = False
    text = text.strip()
    return "" if text.strip(" ,") in ("is", "are", "was", "were", "has", "have") else text.rstrip(" ,")


def _after_gap(piece: str, before: str) -> str:
    """What follows a list that is gone: its own comma or "and" goes with the list, unless a clause stands before."""
    rest = re.sub(r"^(?:,? and |, )", "", piece).lstrip()
    if not rest:
        return ", " if before and piece.startswith(",") else " "
    if before.endswith(","):
        return f" {rest}"
    follows = re.match(r"\w+(?:ing|ed)\b", rest) or ends_noun_phrase(rest.split(" ", 1)[0])
    return f" {rest}" if not piece.startswith(", ") or (follows and not before) else f", {rest}"


def _write_list(traits: TraitList, absorbed: Absorbed) -> str:
    kept = [trait.text for trait in traits.traits if not absorbed(trait)]
    if not kept or len(kept) == len(traits.traits):
        return traits.text if kept else ""
    text = ", ".join(kept[:-1])
    listed = f"{text} and {kept[-1]}" if text else kept[-1]
    return f"{traits.lead} {listed}".strip()


def _mended(text: str) -> str:
    text = re.sub(r"\b(?:is|are) (?=(?:is|are|has|have)\b)", "", " ".join(text.split()))
    text = re.sub(rf"{SUBJECT} and (?=(?:is|are|has|have|wears)\b)", f"{SUBJECT} ", re.sub(r" +,", ",", text)).strip(
        " ,"
    )
    # What hung on a look that is gone says nothing.
    hung = SUBJECT not in text and re.match(
        r"(?:it|she|he|they) (?:with|of|on|in|that|which|and)\b", text, re.IGNORECASE
    )
    return "" if hung else text
