"""Side objects that the captioner finds nowhere are dropped; the subject, its parts and the place stay."""

import pytest

from darkroom.captions.grounding import without_unseen

BENCH = "A woman is sitting on a bench with a dog and a cat beside her."
DOORS = "In the image we can see a man wearing a blue shirt. In the background there are doors, pillars, and trees."
SHIRT = "In the image we can see a man wearing a blue shirt."


@pytest.mark.parametrize(
    ("text", "found", "subject_class", "expected"),
    [
        (BENCH, ["woman", "bench", "a dog", "cats"], "woman", BENCH),
        (BENCH, ["woman", "a dog"], "woman", "A woman is sitting on a bench with a dog."),
        (BENCH, ["woman", "a cat"], "woman", "A woman is sitting on a bench with a cat beside her."),
        (BENCH, ["woman"], "woman", "A woman is sitting on a bench."),
        (BENCH, [], "cat", "A woman is sitting on a bench with a cat beside her."),
        (DOORS, ["man", "tree"], "man", f"{SHIRT} In the background there are trees."),
        (DOORS, ["man"], "man", SHIRT),
        ("a teapot on a table with a vase of flowers in the background", ["table"], "teapot", "a teapot on a table"),
        ("a cat with a hat on a sofa", ["sofa"], "cat", "a cat on a sofa"),
        ("a cat with a hat on its head, near a window", ["window"], "cat", "a cat, near a window"),
        ("There is a dog with brown fur and a red collar.", [], "dog", "There is a dog with brown fur."),
        ("There is a robot next to a lamp.", [], "toy", "There is a robot."),
        ("a toy and the sky is blue", [], "toy", "a toy and the sky is blue"),
        ("a man wearing a hat and holding a cup", ["hat"], "man", "a man wearing a hat"),
        ("In the park we can see a cat, a dog and a lamp.", ["dog"], "cat", "In the park we can see a cat, a dog."),
        ("lamp", [], "cat", "lamp"),
        ("", [], "cat", ""),
    ],
)
def test_side_objects_without_a_region_go(text: str, found: list[str], subject_class: str, expected: str) -> None:
    assert without_unseen(text, found, subject_class) == expected
    assert without_unseen(expected, found, subject_class) == expected


def test_a_scene_of_the_pocket_world_has_no_side_object() -> None:
    text = "a red robot on grass in front of a grey wall, in warm light, seen up close"
    assert without_unseen(text, [], "toy") == text


def test_odd_texts_come_through() -> None:
    for text in (" , , and , ", "with", "there are", "<b>$(rm)</b> & 'x'; with\x00 a lamp", "a lamp with a cat " * 900):
        assert isinstance(without_unseen(text, ["cat"], "cat"), str)
