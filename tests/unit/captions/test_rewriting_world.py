"""The pocket world's own captions of seeds that no model was trained on, through the rewriter."""

import random

import pytest
from descriptions import count_words, subject

from darkroom.captions.rewriting import rewrite
from darkroom.config.captions import CaptionStyle, RewritingSettings
from darkroom.pocket.world import (
    SPLITS,
    Scene,
    attributes,
    contrast_caption,
    detailed_caption,
    parse_caption,
    sample_scene,
)

SCENES = [sample_scene(SPLITS["test"] + 500_000 + number) for number in range(300)]
VARYING = ("floor", "wall", "light", "distance")


def write(texts: list[str], style: CaptionStyle) -> list[str]:
    return [rewrite(text, subject("toy"), RewritingSettings(style=style), count_words, 48) for text in texts]


def sayings(scene: Scene) -> list[str]:
    return [detailed_caption(scene), contrast_caption(scene, random.Random(scene.seed))]


@pytest.mark.parametrize("style", ["sentences", "tags"])
def test_captions_of_300_scenes(style: CaptionStyle) -> None:
    said = [text for scene in SCENES for text in sayings(scene)]
    captions = write(said, style)
    assert captions == write(said, style)
    for text, caption in zip(said, captions, strict=True):
        assert caption.startswith("zxq toy") and caption.count("zxq") == 1 and caption.count("toy") == 1
        assert count_words(caption) <= 48
        known = parse_caption(text)
        wanted = {key: known[key] for key in VARYING if key in known}
        found = parse_caption(caption.removeprefix("zxq toy"))
        assert {key: found.get(key) for key in wanted} == wanted
        assert "shape" not in found and "colour" not in {*found} - {*known}


def test_a_detailed_caption_keeps_its_sentence() -> None:
    for scene in SCENES:
        _, _, rest = detailed_caption(scene).partition(" on ")
        assert write([detailed_caption(scene)], "sentence") == [f"zxq toy on {rest}"]
        assert {key: parse_caption(rest)[key] for key in VARYING} == {key: attributes(scene)[key] for key in VARYING}
