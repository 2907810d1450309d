"""Counts a target's tokens with its own tokenizers, and says how many a caption may have."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darkroom.config.captions import RewritingSettings
from darkroom.families.base import family
from darkroom.models.lock import read_lock


@dataclass(frozen=True)
class TokenCounts:
    """How a target counts: tokens of a text, start and end tokens included, and the most that a caption may have."""

    count: Callable[[str], int]
    limit: int

    def of_word(self, word: str) -> int:
        """Tokens of a word alone, without start and end tokens."""
        return self.count(word) - self.count("")


def load_token_counts(lock: Path, family_name: str, settings: RewritingSettings) -> TokenCounts:
    """The counts of the model of a lock file: `captions.max_tokens` where it is less than what the encoders read."""
    model = family(family_name)
    tokenizers = model.load_tokenizers(read_lock(lock).path)
    fits = model.token_limit(tokenizers)
    # A text is counted in order to trim it: that it is too long is no news.
    logging.getLogger("transformers.tokenization_utils_base").addFilter(
        lambda record: "longer than the specified maximum" not in record.getMessage()
    )
    return TokenCounts(lambda text: int(model.count_tokens(tokenizers, text)), min(settings.max_tokens or fits, fits))
