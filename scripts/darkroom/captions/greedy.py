"""Greedy answers of chat models of transformers: how they are made, read, and seen to be cut off."""

from typing import Any

# What a model's own generation settings may say otherwise.
GREEDY: dict[str, Any] = {
    "num_beams": 1,
    "do_sample": False,
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "max_length": None,
}


def answer_text(tokenizer: Any, tokens: Any) -> str:
    """The text of an answer's tokens, without special tokens and thoughts."""
    return str(tokenizer.decode(tokens, skip_special_tokens=True)).rpartition("</think>")[2].strip()


def is_cut_off(model: Any, tokens: Any, longest: int) -> bool:
    """Whether an answer of at most `longest` tokens was ended by that limit and not by the model."""
    ends = model.generation_config.eos_token_id
    ended = {ends} if isinstance(ends, int) else set(ends or ())
    return len(tokens) >= longest and not ended & set(tokens.tolist())
