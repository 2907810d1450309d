"""The rewriter: real-style descriptions in three styles; trigger once, early, never too long, nothing breaks it."""

import random
import re
from pathlib import Path

import pytest
from descriptions import STYLES, Described, count_words, guide, read_descriptions, subject

from darkroom.captions.caption_sources import Description
from darkroom.captions.description import clean_text
from darkroom.captions.rewriting import rewrite
from darkroom.captions.target_captions import Target, caption_frames, decide
from darkroom.captions.token_counts import TokenCounts
from darkroom.captions.word_classes import participle
from darkroom.config.captions import CaptionStyle, RewritingSettings, SubjectSettings
from darkroom.errors import UserError

OPENERS = re.compile(
    r"the (?:image|photo|picture) (?:shows|is|depicts|features)|in this image|we can see|(?:appears|"
    r"seems) to be|there (?:is|are) "
    r"also|it (?:seems|looks like)|atmosphere|watermark",
    re.I,
)
DESCRIPTIONS = read_descriptions()
NAMES = [f"{number}-{case.subject_class}" for number, case in enumerate(DESCRIPTIONS)]
OWN_WORDS = (
    "in it its she her he his him they them their is are has have with another person one people of close-up wide "
    "medium shot "
    "close up angle closed low sitting lying standing parked perched text shoe wearing holding carrying"
)


def write(text: str, about: SubjectSettings, style: CaptionStyle, limit: int = 77, own_words: bool = False) -> str:
    return rewrite(text, about, RewritingSettings(style=style), count_words, limit, own_words=own_words)


@pytest.mark.parametrize("case", DESCRIPTIONS, ids=NAMES)
def test_descriptions_in_three_caption_styles(case: Described) -> None:
    found = {
        style: write(case.description, case.subject, style, 512 if style == "sentences" else 77) for style in STYLES
    }
    assert found == case.expected


def test_the_table_is_large_and_varied() -> None:
    assert len(DESCRIPTIONS) >= 60
    assert {case.kind for case in DESCRIPTIONS} == {"character", "object", "style"}
    assert len({case.description for case in DESCRIPTIONS}) == len(DESCRIPTIONS)


def test_the_guide_of_the_docs_is_the_table() -> None:
    assert guide().count("`tags`") == 10
    assert guide() in (Path(__file__).parents[3] / "docs" / "captions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("case", DESCRIPTIONS, ids=NAMES)
def test_trigger_once_class_once_within_the_limit(case: Described, style: CaptionStyle) -> None:
    for limit in (6, 8, 12, 20, 77, 512):
        text = write(case.description, case.subject, style, limit)
        assert count_words(text) <= limit
        assert text.count("zxq") == 1
        assert len(re.findall(rf"\b{case.subject_class}\b", text, re.I)) == 1
        assert len(text[: text.index("zxq")].split()) <= 12
        assert not OPENERS.search(text)
        said = re.findall(r"\w+", f"zxq {case.subject_class} {OWN_WORDS} {case.description}".lower().replace("_", " "))
        assert set(re.findall(r"\w+", text.lower())) <= {*said, *map(participle, said)}


def test_trimming_drops_whole_clauses_before_words() -> None:
    text = "a red robot on grass in front of a grey wall, in warm light, seen up close"
    cut = [write(text, subject("robot"), "sentence", limit) for limit in (30, 16, 13, 9)]
    assert cut == [
        "zxq robot on grass in front of a grey wall, in warm light, seen up close",
        "zxq robot on grass in front of a grey wall, in warm light",
        "zxq robot on grass in front of a grey wall",
        "zxq robot on grass",
    ]


def test_a_trigger_that_cannot_fit_is_one_clear_line() -> None:
    with pytest.raises(UserError, match="shorter trigger"):
        write("a robot", subject("robot", trigger="a-very long trigger of many many words"), "tags", 8)


def test_a_text_that_holds_the_trigger_is_taken_as_it_stands() -> None:
    text = "Jenna reads the paper, as zxq dog does"
    assert write(text, subject("dog"), "tags", own_words=True) == text
    assert write(text, subject("dog"), "tags", 9, own_words=True) == "as zxq dog does"
    assert write("Zxq barks. ZXQ runs.", subject("dog"), "sentences", own_words=True) == "zxq barks. The dog runs."
    assert write("a zxqs dog", subject("dog"), "sentence") == "zxq dog"


def test_a_captioner_that_says_the_trigger_is_rewritten_all_the_same() -> None:
    text = "The image shows a Mimi dog sitting on a mimi."
    assert write(text, subject("dog", trigger="mimi"), "sentence") == "mimi dog sitting on a"
    described = {"p": Description("The image shows a zxq dog on a rug.", "captioner")}
    target = Target(subject("dog"), RewritingSettings(), TokenCounts(count_words, 77))
    (row,) = caption_frames({"f": "p"}, described, target, frozenset())
    assert row.caption == "zxq dog on a rug"
    described = {"p": Description("The zxq dog on a rug.", "override")}
    (row,) = caption_frames({"f": "p"}, described, target, frozenset())
    assert row.caption == "The zxq dog on a rug."


def test_a_captioner_that_refuses_leaves_trigger_and_class() -> None:
    target = Target(subject("dog"), RewritingSettings(), TokenCounts(count_words, 77))
    refusal = "I'm sorry, but I cannot describe people."
    rows = caption_frames({"f": "p"}, {"p": Description(refusal, "captioner")}, target, frozenset())
    assert [(row.caption, row.description) for row in rows] == [("zxq dog", refusal)]
    machine = dict.fromkeys("abcd", "a dog with a red collar")
    worn = decide(machine, "abcde", subject("dog"))
    assert worn == decide(machine | {"e": refusal}, "abcde", subject("dog")) != frozenset()


@pytest.mark.parametrize(
    ("trigger", "subject_class", "problem"),
    [
        ("Dog", "dog", "share a word"),
        ("zxq dog", "corgi dog", "share a word"),
        (" ", "dog", "one line"),
        ("zxq ", "dog", "one line"),
        ("z\nxq", "dog", "one line"),
        ("z\u202exq", "dog", "invisible"),
        ("zxq,", "dog", "comma"),
        ("-", "dog", "no letter"),
        ("zxq", "A dog", "without its article: dog"),
        ("zxq", "dog, cat", "comma"),
        ("zxq", "", "at least 1"),
    ],
)
def test_triggers_and_classes_that_spoil_captions_are_refused(trigger: str, subject_class: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        subject(subject_class, trigger=trigger)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a \u202edog\u200b on\xad grass", "a dog on grass"),
        ("a dog &amp; a <b>cat</b><br/>on <a href='x'>grass</a> &lt;p&gt;now", "a dog & a cat on grass now"),
        ("a < b > c <3 <zxq>", "a < b > c <3 <zxq>"),
        ("👩\u200d🚀 in space", "👩\u200d🚀 in space"),
    ],
)
def test_invisible_signs_and_html_are_no_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean


def test_a_new_trigger_changes_nothing_but_the_trigger() -> None:
    for case in DESCRIPTIONS:
        one = write(case.description, subject(case.subject_class, case.kind, "zxq"), "sentence")
        other = write(case.description, subject(case.subject_class, case.kind, "b$k.1"), "sentence")
        assert other == one.replace("zxq", "b$k.1")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "text",
    [
        "", " ", " " * 9000,
        ".", ",,,", "dog", "the the the", "of of of", "<script>alert('x')</script> & $(rm -rf /); `id`",
        "a dog\nwith\ttabs\r\nand \x00 nulls \ue000 and \u2028 lines", "🐶 on a 🛹, in ☀️", "犬が草の上に座っている。",
        "dog " * 5000, "a red dog, " * 2000, "word" * 5000, "a dog in front of " * 800, "(((((((((( dog ))))))))))",
        "A DOG ON A SOFA.", "dogs and dogs and a dog's dog", "dog-friendly place", "The image is", "there is",
    ],
)  # fmt: skip
def test_whatever_the_text_one_short_line_with_the_trigger_once(text: str, style: CaptionStyle) -> None:
    caption = write(text, subject("dog", "character"), style, 40)
    assert caption.count("zxq") == 1 and "zxq dog" in caption
    assert count_words(caption) <= 40
    assert "\n" not in caption and "\ue000" not in caption and caption == " ".join(caption.split())


def test_a_class_of_two_words_is_found_by_its_last() -> None:
    assert write("a red robot on grass", subject("toy robot"), "sentence") == "zxq toy robot on grass"
    assert write("a red toy robot on grass", subject("toy robot"), "tags") == "zxq toy robot, grass"


def test_a_prefix_comes_before_the_trigger_and_is_counted() -> None:
    settings = RewritingSettings(style="tags", prefix=["score_9", "best quality"], underscores=True)
    text = "1girl, long hair, white dress, looking at viewer"
    about = subject("girl", "character")
    assert (
        rewrite(text, about, settings, count_words, 77)
        == "score_9, best quality, zxq girl, white_dress, looking_at_viewer"
    )
    assert rewrite(text, about, settings, count_words, 11) == "score_9, best quality, zxq girl, white_dress"
    assert rewrite("zxq as I want it", about, settings, count_words, 77, own_words=True) == "zxq as I want it"
    with pytest.raises(UserError, match="shorter trigger or prefix"):
        rewrite(text, about, settings, count_words, 7)


@pytest.mark.parametrize("other", [{"prefix": ["masterpiece"]}, {"underscores": True}])
def test_prefix_and_underscores_are_for_tags(other: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="for style: tags"):
        RewritingSettings.model_validate({"style": "sentence", **other})


def test_words_in_any_order_give_a_caption_that_fits_and_holds_the_subject_once() -> None:
    draw = random.Random(7)
    words = [word for case in DESCRIPTIONS for word in case.description.split()] + [",", '"', "(", "'s", ";", "🐶", "."]
    for number in range(300):
        case = draw.choice(DESCRIPTIONS)
        text = " ".join(
            draw.choices([*words, case.subject_class, f"the {case.subject_class}'s"], k=draw.randint(1, 40))
        )
        for style in STYLES:
            limit = draw.choice((9, 12, 77))
            caption = write(text, case.subject, style, limit)
            assert caption.count("zxq") == 1 and count_words(caption) <= limit, (number, text)
            assert not re.search(r"  |\n| ,|,,", caption), (number, text)
