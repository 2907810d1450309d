"""Measures the pocket CLIP: pictures find their captions, and photos of the subject are told from other toys."""

import numpy as np
from PIL import Image

from darkroom.evaluation.picture_scores import likeness
from darkroom.models.clip import Clip, embed_picture, embed_text
from darkroom.pocket.renderer import render
from darkroom.pocket.scoring import Mean, Rate, mean_of
from darkroom.pocket.world import SPLITS, Scene, detailed_caption, full_name, sample_scene, sample_subject, toy_name

FIRST_SEED = SPLITS["test"] + 400_000
CROWD = 100
SIDE = 64


def pictures_of(scenes: list[Scene]) -> list[Image.Image]:
    """Renders of scenes, 64 x 64 px."""
    return [Image.fromarray(picture.numpy()) for picture in render(scenes, SIDE, SIDE)[0]]


def seen(clip: Clip, scenes: list[Scene]) -> np.ndarray:
    """Unit vectors (N, D) of the renders of scenes."""
    return np.array([embed_picture(clip, picture) for picture in pictures_of(scenes)])


def score_retrieval(clip: Clip, crowds: int) -> Rate:
    """How often a fresh render finds its own caption among those of a hundred."""
    hits = 0
    for crowd in range(crowds):
        scenes = [sample_scene(FIRST_SEED + CROWD * crowd + i) for i in range(CROWD)]
        captions = [detailed_caption(scene).replace(toy_name(scene), full_name(scene), 1) for scene in scenes]
        texts = np.array([embed_text(clip, text) for text in captions])
        hits += int(((seen(clip, scenes) @ texts.T).argmax(1) == np.arange(CROWD)).sum())
    return Rate(hits, CROWD * crowds)


def score_likeness(clip: Clip, count: int) -> dict[str, Mean]:
    """Likeness, as evaluations measure it, of fresh renders of the subject and of other toys to eight others of it."""
    photos = seen(clip, [sample_subject(70_000 + i) for i in range(8)])
    subject = seen(clip, [sample_subject(80_000 + i) for i in range(count)])
    others = seen(clip, [sample_scene(FIRST_SEED + 100_000 + i) for i in range(count)])
    middle = seen(clip, [sample_scene(FIRST_SEED + 200_000 + i) for i in range(count)]).mean(0)
    found = {"subject": subject, "other toys": others}
    return {name: mean_of(likeness(vectors, photos, middle).tolist()) for name, vectors in found.items()}
