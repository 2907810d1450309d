"""The trigger in a caption, and the caption without it."""

import re


def without_trigger(caption: str, trigger: str) -> str:
    """A caption with the trigger taken out: 'mimi_toy toy on grass' becomes 'toy on grass'."""
    text = re.sub(rf"(?<!\w){re.escape(trigger)}(?!\w),?", " ", caption)
    return re.sub(r"\s+(?=[,.;])", "", " ".join(text.split())).lstrip(", ")
