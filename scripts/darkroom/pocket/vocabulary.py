"""Small byte-pair vocabularies in which every word of the pocket world is one token."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer, RobertaTokenizer, T5Tokenizer

from darkroom.pocket.world import COLOURS, DISTANCE_TAGS, DISTANCES, FLOORS, LIGHTS, SHAPES, WALLS

CLIP_LENGTH = 48
T5_LENGTH = 40
PLAIN_WORDS = [
    "a",
    "an",
    "the",
    "on",
    "in",
    "of",
    "and",
    "with",
    "from",
    "at",
    "front",
    "light",
    "wall",
    "toy",
    "photo",
    "picture",
    "character",
    "object",
    "style",
]
FLORENCE_PROMPTS = (
    "What does the image describe?",
    "Describe in detail what is shown in the image.",
    "Describe with a paragraph what is shown in the image.",
    "Locate the objects with category name in the image.",
)


def world_words() -> list[str]:
    """Every word that a caption of the world can hold, and a few plain ones around it, sorted."""
    phrases = [*DISTANCES.values(), *DISTANCE_TAGS.values(), *PLAIN_WORDS]
    words = {word for phrase in phrases for word in re.findall(r"\w+", phrase)}
    return sorted(words | {*SHAPES, *COLOURS, *FLOORS, *WALLS, *LIGHTS})


def byte_letters() -> list[str]:
    """The printable letters that stand for the 256 bytes in byte-level vocabularies (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


def learn_merges(words: list[tuple[str, ...]]) -> list[tuple[str, str]]:
    """Byte-pair merges (most frequent pair first) until each word, a tuple of letters, is a single token."""
    merges = []
    while any(len(word) > 1 for word in words):
        pairs = Counter(pair for word in words for pair in pairwise(word))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [merged(word, best) for word in words]
    return merges


def merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    letters, position = [], 0
    while position < len(word):
        step = 2 if word[position : position + 2] == pair else 1
        letters.append("".join(word[position : position + step]))
        position += step
    return tuple(letters)


def clip_tokenizer(pad_token: str = "<|endoftext|>") -> CLIPTokenizer:
    """CLIP's tokenizer with the world's vocabulary; 48 tokens at most."""
    letters = byte_letters()
    merges = learn_merges([(*word[:-1], word[-1] + "</w>") for word in world_words()])
    pieces = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys([*pieces, "<|startoftext|>", "<|endoftext|>"]))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=pad_token, model_max_length=CLIP_LENGTH)


def t5_tokenizer() -> T5Tokenizer:
    """T5's tokenizer with the world's words and, for all others, the letters of ASCII; 40 tokens at most."""
    pieces = ["<pad>", "</s>", "<unk>", "▁", *map(chr, range(33, 127)), *("▁" + word for word in world_words())]
    # Fewest pieces win where all score alike: a word that is one piece stays whole.
    vocabulary = [(piece, -1.0) for piece in dict.fromkeys(pieces)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=T5_LENGTH)


def florence_tokenizer(folder: Path) -> RobertaTokenizer:
    """Florence-2's tokenizer with the world's vocabulary, 1000 places and the image token; written to `folder`."""
    words = [form for word in world_words() for form in (word, "Ġ" + word)]
    for prompt in FLORENCE_PROMPTS:
        words += [piece.replace(" ", "Ġ") for piece in re.findall(r" ?\w+", prompt)]
    merges = learn_merges([tuple(word) for word in dict.fromkeys(words)])
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = dict.fromkeys([*special, *byte_letters(), *("".join(pair) for pair in merges)])
    tokenizer = RobertaTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges)
    tokenizer.add_tokens([f"<loc_{place}>" for place in range(1000)])
    tokenizer.save_pretrained(folder)
    loaded: RobertaTokenizer = RobertaTokenizer.from_pretrained(folder, extra_special_tokens={"image_token": "<image>"})
    return loaded
