"""What the whole set decides: what is worn throughout belongs to the trigger, what varies to the caption."""

import pytest
from descriptions import count_words, subject

from darkroom.captions.caption_sources import describe_photos
from darkroom.captions.parsing import parse
from darkroom.captions.rewriting import rewrite
from darkroom.captions.set_decisions import constant_traits
from darkroom.captions.target_captions import Target, caption_frames, decide
from darkroom.captions.token_counts import TokenCounts
from darkroom.captions.trait_lists import Key
from darkroom.config.captions import RewritingSettings
from darkroom.contracts.caption_tables import FrameCaption
from darkroom.contracts.overrides import Override

PLACES = ("in a park", "on a beach", "by a wall", "at a desk", "under a tree", "in a car", "on a roof")


def decided(texts: list[str], subject_class: str = "woman", kind: str = "character") -> frozenset[Key]:
    return constant_traits([parse(text, subject(subject_class, kind)) for text in texts])


def written(texts: list[str], style: str = "sentence", subject_class: str = "woman") -> list[str]:
    about, settings = subject(subject_class, "character"), RewritingSettings.model_validate({"style": style})
    constant = decided(texts, subject_class)
    return [rewrite(text, about, settings, count_words, 77, constant) for text in texts]


def test_what_is_worn_throughout_is_absorbed_and_what_varies_stays() -> None:
    scarves = ("a red hat", "a straw bag", "blue gloves", "", "a coat", "a dress", "boots")
    texts = [
        f"A woman wearing round glasses{f' and {worn}' if worn else ''}, standing {place}."
        for worn, place in zip(scarves, PLACES, strict=True)
    ]
    assert decided(texts) == {("glasses", "")}
    assert written(texts)[:4] == [
        "zxq woman wearing a red hat, standing in a park",
        "zxq woman wearing a straw bag, standing on a beach",
        "zxq woman wearing blue gloves, standing by a wall",
        "zxq woman standing at a desk",
    ]
    assert written(texts, "tags")[:2] == ["zxq woman, red hat, standing, park", "zxq woman, straw bag, standing, beach"]


def test_the_share_is_85_percent() -> None:
    texts = [f"A dog wearing a red collar {place}." for place in PLACES]
    assert decided([*texts[:6], "A dog on a rug."], "dog") == {("collar", ""), ("collar", "red")}
    assert decided([*texts[:5], "A dog on a rug.", "A dog on a bed."], "dog") == frozenset()


def test_another_colour_is_no_constant_and_stays_where_the_rest_is_absorbed() -> None:
    texts = [f"A dog with a red collar {place}." for place in PLACES[:6]]
    half = [text.replace("red", "blue") for text in texts[:3]]
    assert decided([*texts[:3], *half], "dog") == frozenset()
    one = ["A dog with a green collar and a collar bell on a rug.", *texts, texts[0].replace("a red", "a")]
    assert written(one, subject_class="dog")[0].startswith("zxq dog with a green collar")
    assert written(one, subject_class="dog")[1:] == [f"zxq dog {place}" for place in (*PLACES[:6], PLACES[0])]


def test_nothing_is_decided_for_fewer_than_four() -> None:
    texts = [f"A dog wearing a red collar {place}." for place in PLACES]
    assert decided(texts[:3], "dog") == frozenset()
    assert decided(texts[:4], "dog") != frozenset()


def test_looks_go_always_and_what_the_place_has_always_stays() -> None:
    texts = [f"A woman with long brown hair, her arms crossed, in front of a brick wall, {what}." for what in PLACES]
    for text, place in zip(written(texts), PLACES, strict=True):
        assert "hair" not in text
        assert "her arms crossed" in text and "brick wall" in text and text.endswith(place)


def test_tags_are_decided_by_the_same_rule() -> None:
    texts = [f"1girl, brown hair, school uniform, smile, {place.split()[-1]}" for place in PLACES]
    assert written(texts, "tags")[:2] == ["zxq woman, smile, park", "zxq woman, smile, beach"]
    assert written(texts[:3], "tags")[0] == "zxq woman, school uniform, smile, park"


@pytest.mark.parametrize("kind", ["character", "object", "style"])
def test_the_order_of_the_set_decides_nothing(kind: str) -> None:
    texts = [f"A bear wearing a {colour} bow tie." for colour in ("red", "blue", "red", "red", "", "red", "red", "red")]
    assert decided(texts, "bear", kind) == decided(texts[::-1], "bear", kind)


def test_a_caption_corrected_by_hand_changes_no_other_and_is_not_changed_by_the_set() -> None:
    photos = [f"p{number}" for number in range(len(PLACES))]
    machine = {photo: f"A dog wearing a red collar {place}." for photo, place in zip(photos, PLACES, strict=True)}
    target = Target(subject("dog", "character"), RewritingSettings(), TokenCounts(count_words, 77))
    frames = {photo: photo for photo in photos}
    constant = decide(machine, photos, target.subject)
    assert constant == {("collar", ""), ("collar", "red")}

    def rows(overrides: dict[str, Override]) -> list[FrameCaption]:
        return caption_frames(frames, describe_photos(photos, machine, {}, overrides), target, constant)

    before, after = rows({}), rows({"p1": Override(caption="a dog with a red collar on the moon")})
    assert [row.caption for row in before] == [f"zxq dog {place}" for place in PLACES]
    assert after[1].caption == "zxq dog with a red collar on the moon"
    assert after[1].source == "override"
    assert [row for row in after if row.frame != "p1"] == [row for row in before if row.frame != "p1"]


def test_what_is_absorbed_is_not_mentioned_again() -> None:
    texts = [f"A dog with a red collar runs {place}. The red collar has a tag." for place in PLACES[:6]]
    assert written(
        [*texts, "A dog with a red collar sits in a car. The blue collar of a cat lies there."], "sentences", "dog"
    ) == [
        *(f"zxq dog runs {place}." for place in PLACES[:6]),
        "zxq dog sits in a car. The blue collar of a cat lies there.",
    ]
    capes = [f"A man in a red cape walks {place}, his cape flowing behind him." for place in PLACES]
    assert written(capes, "sentence", "man") == [f"zxq man walks {place}" for place in PLACES]


def test_another_persons_thing_stays() -> None:
    texts = [f"A woman in a red dress sits {place}. The man in the black dress shirt waves." for place in PLACES]
    assert written(texts)[0] == "zxq woman sits in a park, the man in the black dress shirt waves"
