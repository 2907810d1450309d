"""How well pictures show what their prompt says, judged by the captioner's description of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from darkroom.training.paired_loss import mean_and_error

# Words that say nothing about what a picture shows.
EMPTY_TEXT = """
    a an and are as at by for from has have in into is it its of off on onto or out over seen shown that the their there
    this to under up very with image photo photograph picture
"""
EMPTY_WORDS = frozenset(EMPTY_TEXT.split())


@dataclass(frozen=True)
class Following:
    """The mean share of words found, its standard error, and over how many pictures; None where no word counts."""

    mean: float | None
    error: float | None
    pictures: int


def words(text: str) -> set[str]:
    """The words of a text in lower case, a plural `s` taken off, empty words left out."""
    found = re.findall(r"[^\W_]+(?:['_-][^\W_]+)*", text.lower())
    plural = re.compile(r"(?<=\w\w[^su])s$")
    return {plural.sub("", word) for word in found} - EMPTY_WORDS


def share_found(prompt: str, subject: str, description: str) -> float | None:
    """The share of a prompt's words, the subject's own left out, that a description holds; None where none is left."""
    wanted = words(prompt) - words(subject)
    return len(wanted & words(description)) / len(wanted) if wanted else None


def following(shares: Iterable[float | None]) -> Following:
    """Mean and standard error over the pictures whose prompt has words that count."""
    counted = [share for share in shares if share is not None]
    return Following(*mean_and_error(counted), len(counted)) if counted else Following(None, None, 0)
