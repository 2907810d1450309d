"""Measures the whole path from a render to its caption against what the world knows and what a caption must be."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darkroom.captions.caption_sources import Description
from darkroom.captions.captioners import Answer, Describe
from darkroom.captions.photo_captions import caption_keys, caption_photos
from darkroom.captions.target_captions import Target, caption_frames, decide
from darkroom.captions.token_counts import TokenCounts
from darkroom.config.captions import CaptionStyle, RewritingSettings, SubjectSettings
from darkroom.families.base import family
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.pocket.scoring import Rate, count_attributes, rendered
from darkroom.pocket.world import SPLITS, attributes, sample_scene
from darkroom.storage.cache import Cache
from darkroom.storage.files import sha256_file

SUBJECT = SubjectSettings.model_validate({"trigger": "zxq", "class": "toy", "kind": "object"})
# What no caption begins with or weakens itself by.
EMPTY_WORDS = re.compile(
    r"\b(?:image|picture|photo|photograph|scene|shows?|depicts?|features?|we can see|there (?:is|are)|appears?|seems?"
    r"|possibly|probably|perhaps|maybe|likely|might)\b",
    re.IGNORECASE,
)


def lay_out(count: int, folder: Path) -> tuple[dict[str, PhotoFile], dict[str, dict[str, str]]]:
    """Fresh test renders as PNG files: the photos, and the truth about each, by photo."""
    scenes = [sample_scene(SPLITS["test"] + number) for number in range(count)]
    photos, truths = {}, {}
    for scene, picture in zip(scenes, rendered(scenes)[0], strict=True):
        path = folder / f"{scene.seed}.png"
        picture.save(path)
        sha256 = sha256_file(path)
        name = sha256[:16]
        photos[name] = PhotoFile(path.name, name, sha256, "ok", width=picture.width, height=picture.height)
        truths[sha256[:16]] = attributes(scene)
    return photos, truths


def describe_in_shards(
    photos: Mapping[str, PhotoFile], folder: Path, describe: Describe, batch: int, shards: int = 1
) -> dict[str, Answer]:
    """The answers for all photos, made anew in as many shards, `batch` photos at a time."""
    answers: dict[str, Answer] = {}
    with tempfile.TemporaryDirectory() as cache:
        for shard in range(shards):
            some = {photo: row for photo, row in photos.items() if int(photo, 16) % shards == shard}
            made, _ = caption_photos(some, caption_keys(some), Cache(Path(cache)), batch, folder, lambda: describe)
            answers |= made
    return dict(sorted(answers.items()))


@dataclass
class RewriteScores:
    """Captions of one caption style by photo, and the photos whose caption breaks a rule."""

    captions: dict[str, str]
    limit: int
    longest: int = 0
    too_long: list[str] = field(default_factory=list)
    without_one_trigger: list[str] = field(default_factory=list)
    with_empty_words: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    rates: dict[str, Rate] = field(default_factory=dict)


def score_rewrites(
    described: Mapping[str, str], truths: Mapping[str, dict[str, str]], style: CaptionStyle, sdxl: Path
) -> RewriteScores:
    """Rewrite descriptions in a caption style of the pocket SDXL, for the subject SUBJECT, and check every caption.

    Rates are of the attributes that are no part of the subject, which its trigger absorbs.
    """
    model = family("sdxl")
    tokenizers: Any = model.load_tokenizers(sdxl)

    def count(text: str) -> int:
        return int(model.count_tokens(tokenizers, text))

    limit = model.token_limit(tokenizers)
    target = Target(SUBJECT, RewritingSettings(style=style), TokenCounts(count, limit))
    constant = decide(described, described, SUBJECT)
    sources = {photo: Description(said, "captioner") for photo, said in described.items()}
    rows = caption_frames({photo: photo for photo in described}, sources, target, constant)
    scores = RewriteScores({row.frame: row.caption for row in rows}, limit)
    for photo, caption in scores.captions.items():
        scores.longest = max(scores.longest, count(caption))
        faults = {
            "too_long": count(caption) > limit,
            "without_one_trigger": len(re.findall(rf"\b{SUBJECT.trigger}\b", caption)) != 1,
            "with_empty_words": EMPTY_WORDS.search(caption) is not None,
            "empty": not caption.strip(),
        }
        for name, broken in faults.items():
            getattr(scores, name).extend([photo] if broken else [])
    scores.rates = varying_rates([truths[photo] for photo in scores.captions], list(scores.captions.values()))
    return scores


def varying_rates(truths: Sequence[Mapping[str, str]], captions: Sequence[str]) -> dict[str, Rate]:
    """How often captions name rightly what varies: floor, wall, light and distance."""
    varying = [{key: truth[key] for key in truth if key not in ("colour", "shape")} for truth in truths]
    return count_attributes(varying, list(captions))
