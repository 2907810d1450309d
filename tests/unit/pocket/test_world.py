"""Scenes and their captions: the same from a seed, apart by split, and read back as what they say."""

import random

import pytest

from darkroom.pocket.toys import TOYS
from darkroom.pocket.vocabulary import clip_tokenizer, florence_tokenizer, world_words
from darkroom.pocket.world import (
    SHAPES,
    SPLITS,
    SUBJECT,
    attributes,
    brief_caption,
    caption_tags,
    detailed_caption,
    parse_caption,
    sample_painted,
    sample_scene,
    sample_subject,
    training_caption,
)
from darkroom.pocket.world_files import RENDERED_SPLITS

SEEDS = range(300)


def test_a_seed_is_a_scene():
    assert [sample_scene(seed) for seed in SEEDS] == [sample_scene(seed) for seed in SEEDS]
    assert len({sample_scene(seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("write", [detailed_caption, caption_tags])
def test_full_captions_are_read_back(write):
    for seed in SEEDS:
        scene = sample_scene(seed)
        assert parse_caption(write(scene)) == attributes(scene)


def test_partial_captions_claim_nothing_false():
    for seed in SEEDS:
        scene = sample_scene(seed)
        told = parse_caption(training_caption(scene, random.Random(seed)))
        truth = attributes(scene) | ({"shape": told["shape"]} if told["shape"] == "toy" else {})
        assert told.items() <= truth.items()


def test_the_grammar_that_the_rewriter_cuts():
    scene = sample_scene(0)
    assert brief_caption(scene) == "a purple ball on sand"
    assert detailed_caption(scene) == ("a purple ball on sand in front of a cream wall, in bright light, seen up close")
    assert caption_tags(scene) == "purple ball, sand, cream wall, bright light, close-up"


def test_the_subject_is_new():
    assert SUBJECT["shape"] in TOYS and SUBJECT["shape"] not in SHAPES
    for sample in (sample_scene, sample_painted):
        for seed in range(2000):
            scene = sample(seed)
            assert scene.shape in SHAPES
            assert (scene.colour, scene.accent) != (SUBJECT["colour"], SUBJECT["accent"]) or scene.paints
    assert brief_caption(sample_subject(0)).startswith("a toy on ")
    assert SUBJECT["shape"] not in world_words()


def test_training_seeds_stay_in_their_split():
    for split in RENDERED_SPLITS.values():
        assert SPLITS["train"] <= split.first and split.first + split.count <= SPLITS["validation"]


def test_every_word_of_the_world_is_one_token(tmp_path):
    clip, florence = clip_tokenizer(), florence_tokenizer(tmp_path)
    assert clip.model_max_length == 48
    for word in world_words():
        assert len(clip(word).input_ids) == 3, word
        assert len(florence(f"a {word}").input_ids) == 4, word
    longest = max((detailed_caption(sample_scene(seed)) for seed in SEEDS), key=len)
    assert florence.decode(florence(longest).input_ids, skip_special_tokens=True) == longest
    assert len(clip(f"a mimi_toy {longest}").input_ids) < 48
