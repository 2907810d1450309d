"""Whether a polished caption may stand in place of the rewriter's: it says the same, in the same words, no more.

The model sees NAME in place of the trigger, so that a new trigger asks it nothing anew.
"""

import re
from collections import Counter
from collections.abc import Iterator

from darkroom.captions.description import QUOTES, openers, small_start
from darkroom.captions.word_classes import DOING_OF, LOOKS, WORD, pronoun, words
from darkroom.config.captions import CaptionStyle, SubjectSettings
from darkroom.contracts.trigger import count_trigger, replace_trigger

NAME = "[NAME]"
# What joins without saying anything. Where a thing is, and how many there are, is said.
JOINING = words("a an the and but while with as of which who that is are was were has have")
DENIALS = words("no not without never only")
NUMBERS = words("one two three four five six seven eight nine ten several some many")
# They say something of one other word, and must go on to say it of the same.
QUALIFYING = (LOOKS | DENIALS | NUMBERS) - JOINING
EARLY = 6  # words before the subject, or as many as the rewriter's caption has
LOST_SHARE = 0.1
LOST_SHARE_OF_CLAUSE = 0.5
SIGNS = frozenset(" .,;'-")


def draft_of(caption: str, subject: SubjectSettings) -> str | None:
    """The caption with NAME in place of the trigger; None where trigger and class do not stand in it exactly once."""
    draft = replace_trigger(caption, subject.trigger, NAME)
    once = count_trigger(caption, subject.trigger) == draft.count(NAME) == 1
    return draft if once and _names(draft, subject) else None


def name_of(subject: SubjectSettings) -> str:
    """What stands for trigger and class in a draft."""
    return f"{NAME} {subject.subject_class}"


def tidy(answer: str, style: CaptionStyle) -> str:
    """An answer as the caption style writes it: straight quotes, its first letter and its end."""
    text = re.sub(" +", " ", answer.strip().translate(QUOTES))
    if text.count('"') == 2 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1].strip()
    text = text.rstrip(". ")
    return small_start(text) if style == "sentence" else f"{text[:1].upper()}{text[1:]}."


def why_not(answer: str, draft: str, subject: SubjectSettings, style: CaptionStyle) -> str:
    """Why a tidied answer may not stand in place of its draft; empty where it may. How long it is, is asked elsewhere.

    At most 10 % of the draft's words may be lost, and of no clause more than half; JOINING words are free.
    """
    if "\n" in answer:
        return "more than one line"
    if {sign for sign in answer.replace(NAME, "") if not sign.isalnum()} - SIGNS - set(draft.replace(NAME, "")):
        return "signs of its own"
    if not _names(answer, subject):
        return "subject not once"
    if _words_before(answer) > max(EARLY, _words_before(draft)):
        return "subject late"
    if openers(answer) - openers(draft):
        return "opener"
    if style == "sentence" and re.search(r"[.!?] ", answer) and not re.search(r"[.!?] ", draft):
        return "more than one sentence"
    return _unlike(answer, draft, subject)


def _unlike(answer: str, draft: str, subject: SubjectSettings) -> str:
    """What an answer says that its draft does not, or the other way round."""
    here, there = _content(answer, subject), _content(draft, subject)
    said, wanted = Counter(filter(None, here)), Counter(filter(None, there))
    if said - wanted:
        return "new words"
    lost = wanted - said
    if lost.total() > LOST_SHARE * wanted.total() or any(
        sum(word in lost for word in clause) > LOST_SHARE_OF_CLAUSE * len(clause)
        for clause in (list(filter(None, _content(text, subject))) for text in re.split("[.,;]", draft))
    ):
        return "lost words"
    if any(quoted not in answer for quoted in re.findall(r'"[^"]*"', draft)):
        return "changed quotation"
    return "" if _hold(list(_ties(here)), list(_ties(there))) else "said of something else"


def _hold(ties: list[tuple[str, str]], wanted: list[tuple[str, str]]) -> bool:
    """Whether the ties of an answer are those of its draft; of two dresses the red one stays the first."""
    denied = {tie for tie in wanted if tie[0] in DENIALS}
    heads = Counter(head for _, head in set(wanted))
    here, there = ([tie for tie in either if heads[tie[1]] > 1] for either in (ties, wanted))
    return denied <= set(ties) <= set(wanted) and here == there


def _names(text: str, subject: SubjectSettings) -> bool:
    """Whether trigger and class stand in a draft or answer together, and exactly once."""
    together = re.findall(rf"{re.escape(name_of(subject))}(?!\w)", text)
    classes = re.findall(rf"(?<!\w){re.escape(subject.subject_class)}(?!\w)", text, re.IGNORECASE)
    return len(together) == text.count(NAME) == len(classes) == 1


def _words_before(text: str) -> int:
    return len(text.partition(NAME)[0].split())


def _content(text: str, subject: SubjectSettings) -> list[str]:
    """The words in small letters, in order, the subject as one; what joins, signs included, is an empty word."""
    name = name_of(subject)
    free = JOINING | set(pronoun(subject.subject_class.split()[-1]))
    found = re.findall(rf"{re.escape(name)}|{WORD.pattern}|[^\w\s]", text)
    small = (word if word == name else word.lower().strip("'-") for word in found)
    return ["" if word in free or not re.search(r"\w", word) else DOING_OF.get(word, word) for word in small]


def _ties(content: list[str]) -> Iterator[tuple[str, str]]:
    """Each qualifying word with the word that it is said of: the next one, or where something joins, the one before."""
    before = ""
    for word, after in zip(content, [*content[1:], ""], strict=True):
        if word in QUALIFYING:
            yield word, after or before
        before = word or before
