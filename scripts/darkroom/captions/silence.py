"""Answers that describe nothing: refusals and placeholders, from a captioner or in a sidecar."""

import re

from darkroom.captions.description import clean_text

REFUSAL = re.compile(
    r"(?:(?:i['’]?m|i am) sorry|sorry,|i apologi[sz]e|unfortunately, i\b|as an ai\b|i['’]m an ai\b"
    r"|(?:i|we) (?:can(?:not|['’]t| not)|am unable|am not able|could not|couldn['’]t) (?!see (?:the|an?) )"
    r"|i['’]m (?:unable|not able)\b)"
    r"|(?:unanswerable|n/?a|none|null|nil|nan|unknown|undefined|no (?:caption|description|answer)(?: available)?)\W*$",
    re.IGNORECASE,
)


def says_nothing(text: str) -> bool:
    """Whether a text holds no word, is a placeholder such as N/A, or says that it will not describe."""
    said = clean_text(text).lstrip("\"'([<-. ")
    return not re.search(r"\w", said) or bool(REFUSAL.match(said))
