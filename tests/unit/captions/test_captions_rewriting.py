"""The rewriter: real-style descriptions in three dialects; trigger once, early, never too long, nothing breaks it."""

import re

import pytest

from darkroom.captions.rewriting import rewrite
from darkroom.captions.settings import CaptionStyle, SubjectSettings
from darkroom.errors import UserError

STYLES: tuple[CaptionStyle, ...] = ("sentences", "sentence", "tags")
OPENERS = re.compile(
    r"the (?:image|photo|picture) (?:shows|is|depicts|features)|in this image|we can see|appears to be", re.I
)


def words(text: str) -> int:
    """A tokenizer for tests: a token per word or comma, and two for start and end."""
    return len(re.findall(r"[\w'-]+|[^\w\s]", text)) + 2


def subject(subject_class: str, kind: str = "object", trigger: str = "zxq") -> SubjectSettings:
    return SubjectSettings.model_validate({"trigger": trigger, "class": subject_class, "kind": kind})


# class, kind, description, sentences, sentence, tags
TABLE = [
    (
        "robot", "object", "a red robot on grass in front of a grey wall, in warm light, seen up close",
        "zxq robot on grass in front of a grey wall, in warm light, seen up close.",
        "zxq robot on grass in front of a grey wall, in warm light, seen up close",
        "zxq robot, grass, grey wall, warm light, close-up",
    ),
    (
        "toy", "object", "a blue duck on sand in front of a striped wall, in bright light, seen from medium distance",
        "zxq toy on sand in front of a striped wall, in bright light, seen from medium distance.",
        "zxq toy on sand in front of a striped wall, in bright light, seen from medium distance",
        "zxq toy, sand, striped wall, bright light, medium shot",
    ),
    (
        "robot", "object", "red robot, grass, grey wall, warm light, wide shot",
        "zxq robot, grass, grey wall, warm light, wide shot.",
        "zxq robot, grass, grey wall, warm light, wide shot",
        "zxq robot, grass, grey wall, warm light, wide shot",
    ),
    (
        "dog", "character",
        "The image shows a small brown and white dog sitting on a wooden deck. The dog has a red collar and is looking "
        "directly at the camera. In the background, there are trees and a blue sky.",
        "zxq dog sitting on a wooden deck. It has a red collar and is looking directly at the camera. Trees and a blue "
        "sky in the background.",
        "zxq dog sitting on a wooden deck, it has a red collar and is looking directly at the camera, trees and a blue "
        "sky in the background",
        "zxq dog, sitting, wooden deck, red collar, looking at camera, trees, blue sky",
    ),
    (
        "dog", "character",
        "In this image we can see a dog on the grass. In the background there are plants and a fence.",
        "zxq dog on the grass. Plants and a fence in the background.",
        "zxq dog on the grass, plants and a fence in the background",
        "zxq dog, grass, plants, fence",
    ),
    (
        "dog", "character", "a close up of a dog with brown fur and white paws laying on a couch",
        "A close up of zxq dog laying on a couch.",
        "a close up of zxq dog laying on a couch",
        "zxq dog, close up, laying, couch",
    ),
    (
        "cat", "character",
        "In the center of the image, there is a black cat with green eyes, long whiskers, and white paws, sitting on a "
        "window sill. The background is blurred.",
        "zxq cat sitting on a window sill. The background is blurred.",
        "zxq cat sitting on a window sill, the background is blurred",
        "zxq cat, sitting, window sill, blurred",
    ),
    (
        "woman", "character",
        "The image is a portrait of a young woman with long brown hair and blue eyes. She is wearing a white dress and "
        "standing in a field of flowers. The woman appears to be smiling. The overall mood of the image is peaceful.",
        "A portrait of zxq woman. She is wearing a white dress and standing in a field of flowers. She is smiling.",
        "a portrait of zxq woman, wearing a white dress and standing in a field of flowers, smiling",
        "zxq woman, portrait, white dress, standing, field of flowers, smiling",
    ),
    (
        "man", "character",
        "In this image, there is a man wearing a black suit and sitting on a chair. On the left side there is a table "
        "with a cup of coffee.",
        "zxq man wearing a black suit and sitting on a chair. A table with a cup of coffee on the left side.",
        "zxq man wearing a black suit and sitting on a chair, a table with a cup of coffee on the left side",
        "zxq man, black suit, sitting, chair, table, cup of coffee",
    ),
    (
        "backpack", "object",
        "A pink backpack with a monster face on it sitting on top of a table in a room with chairs.",
        "zxq backpack sitting on top of a table in a room with chairs.",
        "zxq backpack sitting on top of a table in a room with chairs",
        "zxq backpack, sitting, table, room, chairs",
    ),
    (
        "sneaker", "object",
        "The image shows a pair of colorful sneakers placed on a white surface, creating a beautiful and inviting "
        "atmosphere.",
        "zxq sneaker placed on a white surface.",
        "zxq sneaker placed on a white surface",
        "zxq sneaker, white surface",
    ),
    (
        "vase", "object",
        "The image is a living room with a sofa, two armchairs, a wooden coffee table, a large rug, a lamp, and a red "
        "vase on the table.",
        "zxq vase on the table, a living room with a sofa, two armchairs, a wooden coffee table, a large rug, a lamp.",
        "zxq vase on the table, a living room with a sofa, two armchairs, a wooden coffee table, a large rug, a lamp",
        "zxq vase, table, living room, sofa, armchairs, wooden coffee table, large rug, lamp",
    ),
    (
        "style", "style",
        "The image is a watercolor painting of a village by a river. The sky is blue and there are trees on both "
        "sides.",
        "In zxq style, a village by a river. The sky is blue, trees on both sides.",
        "zxq style, a village by a river, the sky is blue, trees on both sides",
        "zxq style, village, river, blue sky, trees, both sides",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", TABLE, ids=[f"{case[0]}-{number}" for number, case in enumerate(TABLE)])
def test_descriptions_in_three_dialects(case: tuple[str, ...]) -> None:
    subject_class, kind, description, *expected = case
    about = subject(subject_class, kind)
    assert [rewrite(description, about, style, words, 77) for style in STYLES] == expected


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("case", TABLE, ids=[case[0] for case in TABLE])
@pytest.mark.parametrize("limit", [5, 8, 12, 20, 77])
def test_trigger_once_class_once_within_the_limit(case: tuple[str, ...], style: CaptionStyle, limit: int) -> None:
    subject_class, kind, description = case[:3]
    text = rewrite(description, subject(subject_class, kind), style, words, limit)
    assert words(text) <= limit
    assert text.count("zxq") == 1
    assert len(re.findall(rf"\b{subject_class}\b", text)) == 1
    assert len(text[: text.index("zxq")].split()) <= 12
    assert not OPENERS.search(text)
    assert set(re.findall(r"\w+", text.lower())) <= set(
        re.findall(r"\w+", f"zxq {subject_class} in it its she he they close wide medium shot {description}".lower())
    )


def test_trimming_drops_whole_clauses_before_words() -> None:
    text = "a red robot on grass in front of a grey wall, in warm light, seen up close"
    cut = [rewrite(text, subject("robot"), "sentence", words, limit) for limit in (30, 16, 13, 9)]
    assert cut == [
        "zxq robot on grass in front of a grey wall, in warm light, seen up close",
        "zxq robot on grass in front of a grey wall, in warm light",
        "zxq robot on grass in front of a grey wall",
        "zxq robot on grass in front of",
    ]


def test_a_trigger_that_cannot_fit_is_one_clear_line() -> None:
    with pytest.raises(UserError, match="shorter trigger"):
        rewrite("a robot", subject("robot", trigger="a-very long trigger of many many words"), "tags", words, 8)


def test_a_text_that_holds_the_trigger_is_taken_as_it_stands() -> None:
    text = "Jenna reads the paper, as zxq dog does"
    assert rewrite(text, subject("dog"), "tags", words, 77) == text
    assert rewrite(text, subject("dog"), "tags", words, 9) == "as zxq dog does"
    assert rewrite("a zxqs dog", subject("dog"), "sentence", words, 77) == "zxq dog"


def test_a_new_trigger_changes_nothing_but_the_trigger() -> None:
    for case in TABLE:
        one = rewrite(case[2], subject(case[0], case[1], "zxq"), "sentence", words, 77)
        other = rewrite(case[2], subject(case[0], case[1], "b$k.1"), "sentence", words, 77)
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
    caption = rewrite(text, subject("dog", "character"), style, words, 40)
    assert caption.count("zxq") == 1 and "zxq dog" in caption
    assert words(caption) <= 40
    assert "\n" not in caption and "\ue000" not in caption and caption == " ".join(caption.split())


def test_a_class_of_two_words_is_found_by_its_last() -> None:
    assert rewrite("a red robot on grass", subject("toy robot"), "sentence", words, 77) == "zxq toy robot on grass"
    assert rewrite("a red toy robot on grass", subject("toy robot"), "tags", words, 77) == "zxq toy robot, grass"
