"""The captions of a target as they stand after an instruct model was asked for more fluent ones."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from darkroom.captions.polishing import NAME, draft_of, tidy, why_not
from darkroom.captions.target_captions import Target, captioned
from darkroom.contracts.caption_tables import FrameCaption

POLISHED = "polished"


def polish_rows(
    rows: Sequence[FrameCaption], target: Target, ask: Callable[[list[str]], Mapping[str, str]]
) -> tuple[list[FrameCaption], Counter[str]]:
    """The captions of a target with what may stand of the answers, and how often which verdict fell.

    `ask` gives the answers to drafts, by draft. Users' own texts are not asked about: their `polished` stays empty.
    A verdict is POLISHED, or why the rewriter's caption stays.
    """
    drafts = {row.frame: draft_of(row.caption, target.subject) for row in rows if row.source == "captioner"}
    answers = ask(sorted({draft for draft in drafts.values() if draft is not None}))
    verdicts: Counter[str] = Counter()
    result = []
    for row in rows:
        draft = drafts.get(row.frame)
        if draft is None:
            result.append(row)
            continue
        text, verdict = _polish(answers[draft], draft, target)
        verdicts[verdict] += 1
        if verdict == POLISHED:
            result.append(captioned(row.frame, text, target, row.source, row.description, "yes"))
        else:
            result.append(replace(row, polished="no"))
    return result, verdicts


def _polish(answer: str, draft: str, target: Target) -> tuple[str, str]:
    """The caption that an answer makes, and the verdict on it."""
    style = target.settings.style
    words = tidy(answer, style)
    text = words.replace(NAME, target.subject.trigger)
    if words == draft:
        return text, "nothing to polish"
    verdict = why_not(words, draft, target.subject, style)
    if not verdict and target.counts.count(text) > target.counts.limit:
        verdict = "too long"
    return text, verdict or POLISHED
