"""The caption without its trigger."""

import pytest

from darkroom.captions.trigger import without_trigger


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
    ],
)
def test_the_trigger_alone_is_taken_out(caption: str, trigger: str, plain: str) -> None:
    assert without_trigger(caption, trigger) == plain
