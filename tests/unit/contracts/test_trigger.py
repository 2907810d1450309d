"""The caption without its trigger."""

import pytest

from darkroom.contracts.trigger import count_trigger, with_one_trigger, without_trigger


@pytest.mark.parametrize(
    ("caption", "trigger", "plain"),
    [
        ("mimi_toy toy on grass", "mimi_toy", "toy on grass"),
        ("On grass, mimi_toy toy stands.", "mimi_toy", "On grass, toy stands."),
        ("mimi_toy, smiling, grass", "mimi_toy", "smiling, grass"),
        ("in zxq style, a cat", "zxq", "in style, a cat"),
        ("a toy like mimi_toy.", "mimi_toy", "a toy like."),
        ("mimi_toys and mimi_toy2", "mimi_toy", "mimi_toys and mimi_toy2"),
        ("a.b toy", "a.b", "toy"),
        ("a toy", "mimi_toy", "a toy"),
        ("Mimi_Toy toy on grass", "mimi_toy", "toy on grass"),
    ],
)
def test_the_trigger_alone_is_taken_out(caption: str, trigger: str, plain: str) -> None:
    assert without_trigger(caption, trigger) == plain


def test_the_trigger_is_counted_in_capitals_too() -> None:
    assert count_trigger("Zxq, zxq and ZXQ, but no zxqs", "zxq") == 3


@pytest.mark.parametrize(
    ("caption", "one"),
    [
        ("Photo of Zxq, a woman in a park. ZXQ is smiling.", "Photo of zxq, a woman in a park. The woman is smiling."),
        ("zxq woman and zxq woman's dog", "zxq woman and the woman's dog"),
        ("zxq woman, zxq woman, the zxq hat", "zxq woman, woman, the woman hat"),
        ("zxqs and red", "zxqs and red"),
    ],
)
def test_one_trigger_is_left(caption: str, one: str) -> None:
    assert with_one_trigger(caption, "zxq", "woman") == one
