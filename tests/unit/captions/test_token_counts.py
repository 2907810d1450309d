"""Token counts are those of the real CLIP vocabulary, emoji and odd triggers included."""

import gzip
import logging
from pathlib import Path
from typing import Any

import pytest
from descriptions import STYLES, read_descriptions

from darkroom.captions.description import clean_text
from darkroom.captions.token_counts import load_token_counts
from darkroom.config.captions import RewritingSettings
from darkroom.families import sdxl
from darkroom.models.lock import LockedModel
from darkroom.storage.files import write_json

TRIGGERS = [
    "sks", "ohwx", "TOK", "zxq", "sks1", "zchar", "jhndoe", "p3r5on", "ArtDecoStyl3_v2", "mimi_toy", "b$k.1", "<zxq>",
    "@@@", "élodie_v1", "日本", "ß", "x-y_z", "007",
]  # fmt: skip

ODD = [
    "",
    " ",
    "🐶 on a 🛹, in ☀️",
    "👩‍👩‍👧‍👦 family",
    "🏳️‍🌈🇩🇪",
    "犬が草の上に座っている。",
    "собака на траве",
    "naïve café, crème brûlée",
    "it's the dog's; they're here, I'll go, we've won, I'd say, I'm in",
    "$(rm -rf /); `id` && echo 'x' | cat > /dev/null",
    "<script>alert('x')</script>",
    "1girl, solo, long_hair, blue_eyes, (smile:1.2), score_9, score_8_up, score_7_up",
    "f/1.8 at 1/250 s, ISO 100, 35mm",
    "3.14159 2,718 1e10 #ff00ff",
    "ALL CAPITALS AND MiXeD CaSe",
    "...!!!???---",
    "a" * 200,
    "word " * 120,
    "“quotes” and — dashes … and ‘more’",
    "tabs\tand\nlines",
]


@pytest.fixture(scope="module")
def tokenizers() -> tuple[Any, Any]:
    """CLIP's tokenizer as transformers has it, built from the vocabulary in open_clip's wheel, and open_clip's own."""
    import open_clip.tokenizer
    from transformers import CLIPTokenizer

    path = Path(open_clip.tokenizer.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
    reference = open_clip.tokenizer.SimpleTokenizer(str(path))
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")[1 : 49152 - 256 - 2 + 1]
    ours = CLIPTokenizer(vocab=reference.encoder, merges=[tuple(line.split()) for line in lines], model_max_length=77)
    return ours, reference


def texts() -> list[str]:
    cases = read_descriptions()
    captions = [case.expected[style] for case in cases for style in STYLES]
    return [*dict.fromkeys([*captions, *(case.description for case in cases), *TRIGGERS, *ODD])]


def test_counts_are_those_of_clip(tokenizers: tuple[Any, Any]) -> None:
    ours, reference = tokenizers
    said = [clean_text(text) for text in texts()]
    assert len(said) >= 200
    counted = {text: sdxl.count_tokens([ours, ours], text) for text in said}
    assert counted == {text: len(reference.encode(text)) + 2 for text in said}
    assert sdxl.token_limit([ours, ours]) == 77


@pytest.mark.parametrize(
    ("trigger", "tokens"),
    [("sks", 1), ("ohwx", 1), ("TOK", 1), ("zxq", 2), ("jhndoe", 3), ("p3r5on", 5), ("ArtDecoStyl3_v2", 8)],
)
def test_the_length_of_a_trigger_is_told_without_start_and_end(
    tokenizers: tuple[Any, Any], trigger: str, tokens: int
) -> None:
    from darkroom.captions.token_counts import TokenCounts

    counts = TokenCounts(lambda text: sdxl.count_tokens([tokenizers[0]], text), 77)
    assert counts.of_word(trigger) == tokens


def test_counting_a_text_that_is_too_long_warns_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Path(__file__).parents[3] / "resources" / "pocket" / "sdxl"
    write_json(tmp_path / "lock.json", LockedModel("pocket", "local", model, {}).to_json())
    counts = load_token_counts(tmp_path / "lock.json", "sdxl", RewritingSettings())
    heard: list[str] = []
    library = logging.getLogger("transformers")
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: heard.append(record.getMessage()))
    library.addHandler(handler)
    try:
        assert counts.count("robot " * 500) > counts.limit
    finally:
        library.removeHandler(handler)
    assert heard == []
