"""The trigger in a caption, and the caption without it. Encoders such as CLIP read no case: Zxq is zxq."""

import re


def _pattern(trigger: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(trigger)}(?!\w)", re.IGNORECASE)


def count_trigger(caption: str, trigger: str) -> int:
    """How often the trigger stands in a caption as a word of its own, in capitals or not."""
    return len(_pattern(trigger).findall(caption))


def replace_trigger(caption: str, trigger: str, other: str) -> str:
    """A caption with another word in place of the trigger."""
    return _pattern(trigger).sub(lambda _: other, caption)


def without_trigger(caption: str, trigger: str) -> str:
    """A caption with the trigger taken out: 'mimi_toy toy on grass' becomes 'toy on grass'."""
    text = re.sub(rf"{_pattern(trigger).pattern},?", " ", caption, flags=re.IGNORECASE)
    return re.sub(r"\s+(?=[,.;])", "", " ".join(text.split())).lstrip(", ")


def with_one_trigger(caption: str, trigger: str, subject_class: str) -> str:
    """A caption in which the trigger stands once, as it is written; from the second on it is the class instead."""
    first, *others = _pattern(trigger).split(caption)
    if not others:
        return caption
    text = first + trigger + others[0]
    for rest in others[1:]:
        own = re.match(rf"\s+{re.escape(subject_class)}(?!\w)", rest, re.IGNORECASE)
        named = bool(re.search(r"(?:^|,)\s*$|\b(?:the|an?|his|her|its|their)\s+$", text, re.IGNORECASE))
        article = "" if named else "The " if re.search(r"[.!?]\s*$", text) else "the "
        text += article + subject_class + (rest[own.end() :] if own else rest)
    return text
