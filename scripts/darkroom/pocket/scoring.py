"""Measures the pocket models against the truth that the renderer knows."""

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from darkroom.pocket.renderer import render
from darkroom.pocket.world import (
    ATTRIBUTES,
    SPLITS,
    Scene,
    attributes,
    caption_tags,
    detailed_caption,
    parse_caption,
    sample_scene,
    toy_name,
)

SAMPLING_STEPS, GUIDANCE = 25, 2.5
SIZES = ((64, 64), (80, 48), (48, 80))  # width, height


@dataclass(frozen=True)
class Rate:
    """A share of `count` trials; `error` is its standard error."""

    hits: float
    count: int

    @property
    def share(self) -> float:
        return self.hits / max(1, self.count)

    @property
    def error(self) -> float:
        return math.sqrt(self.share * (1 - self.share) / max(1, self.count))

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} % (± {100 * self.error:.1f}, n = {self.count})"


@dataclass(frozen=True)
class Mean:
    """A mean over `count` values with its standard error."""

    value: float
    error: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.3f} (± {self.error:.3f}, n = {self.count})"


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of at least two values."""
    spread = float(np.std(values, ddof=1))
    return Mean(float(np.mean(values)), spread / math.sqrt(len(values)), len(values))


def load_captioner(folder: str) -> tuple[Any, Any]:
    """The pocket Florence-2 and its processor."""
    from transformers import Florence2ForConditionalGeneration, Florence2Processor

    return (
        Florence2ForConditionalGeneration.from_pretrained(folder).eval(),
        Florence2Processor.from_pretrained(folder),
    )


@torch.inference_mode()
def describe(captioner: tuple[Any, Any], pictures: list[Image.Image], task: str) -> list[Any]:
    """What Florence-2 answers for each picture: a text, or for <OD> a dict of bboxes (pixels) and labels."""
    model, processor = captioner
    answers = []
    for start in range(0, len(pictures), 50):
        some = pictures[start : start + 50]
        inputs = processor(text=[task] * len(some), images=some, return_tensors="pt")
        told = model.generate(**inputs, max_new_tokens=48, do_sample=False, num_beams=1)
        for text, picture in zip(processor.batch_decode(told, skip_special_tokens=False), some, strict=True):
            text = text.replace(processor.tokenizer.pad_token, "")
            answers.append(processor.post_process_generation(text, task=task, image_size=picture.size)[task])
    return answers


def rendered(scenes: list[Scene]) -> tuple[list[Image.Image], list[list[float]]]:
    """Pictures of scenes in the three sizes in turn, and their boxes in pixels."""
    pictures: list[Any] = [None] * len(scenes)
    boxes: list[Any] = [None] * len(scenes)
    for turn, (width, height) in enumerate(SIZES):
        members = range(turn, len(scenes), len(SIZES))
        made, _, found = render([scenes[i] for i in members], width, height)
        for i, picture, box in zip(members, made, found, strict=True):
            pictures[i], boxes[i] = Image.fromarray(picture.numpy()), box.tolist()
    return pictures, boxes


def count_attributes(truths: list[dict[str, str]], captions: list[str]) -> dict[str, Rate]:
    """How often captions name each attribute rightly, over the scenes that have it."""
    hits: dict[str, int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    for truth, caption in zip(truths, captions, strict=True):
        told = parse_caption(caption)
        for key, value in truth.items():
            totals[key] += 1
            hits[key] += told.get(key) == value
    return {key: Rate(hits[key], totals[key]) for key in ATTRIBUTES if totals[key]}


def overlap(one: list[float], other: list[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / max(1e-9, sum(areas) - shared)


def score_captioner(captioner: tuple[Any, Any], count: int) -> dict[str, Any]:
    """Attribute rates, whole-caption rate and mean <OD> overlap on `count` fresh test renders."""
    scenes = [sample_scene(SPLITS["test"] + i) for i in range(count)]
    pictures, boxes = rendered(scenes)
    told = describe(captioner, pictures, "<DETAILED_CAPTION>")
    rates = count_attributes([attributes(scene) for scene in scenes], told)
    exact = sum(text == detailed_caption(scene) for text, scene in zip(told, scenes, strict=True))
    found = describe(captioner, pictures, "<OD>")
    overlaps = [
        overlap(answer["bboxes"][0], box) if answer["bboxes"] else 0.0 for answer, box in zip(found, boxes, strict=True)
    ]
    mean = sum(rate.share for rate in rates.values()) / len(rates)
    return {"rates": rates, "mean": mean, "exact": Rate(exact, count), "overlap": mean_of(overlaps)}


def prompts(count: int) -> list[tuple[Scene, str, str]]:
    """Fresh test scenes with a kind of prompt, "sentence" and "tags" in turn, and the prompt."""
    draw = random.Random("prompts")
    chosen: list[tuple[Scene, str, str]] = []
    while len(chosen) < count:
        scene = sample_scene(SPLITS["test"] + 10_000 + draw.randrange(900_000))
        if toy_name(scene) != "toy":
            kind = ("sentence", "tags")[len(chosen) % 2]
            chosen.append((scene, kind, detailed_caption(scene) if kind == "sentence" else caption_tags(scene)))
    return chosen


@torch.inference_mode()
def draw_samples(
    pipeline: Any, texts: list[str], steps: int = SAMPLING_STEPS, guidance: float = GUIDANCE
) -> list[Image.Image]:
    """A 64 px picture per prompt; picture i starts from the noise of seed i."""
    pipeline.set_progress_bar_config(disable=True)
    pictures: list[Image.Image] = []
    for start in range(0, len(texts), 20):
        some = texts[start : start + 20]
        seeds = [torch.Generator().manual_seed(start + i) for i in range(len(some))]
        pictures += pipeline(
            some, width=64, height=64, num_inference_steps=steps, guidance_scale=guidance, generator=seeds
        ).images
    return pictures


def score_prompts(pipeline: Any, captioner: tuple[Any, Any], count: int) -> tuple[dict[str, dict[str, Rate]], list]:
    """Rates of followed attributes, judged by the pocket captioner, by kind of prompt; and (prompt, picture) pairs."""
    chosen = prompts(count)
    pictures = draw_samples(pipeline, [text for _, _, text in chosen])
    told = describe(captioner, pictures, "<DETAILED_CAPTION>")
    rates = {}
    for kind in ("sentence", "tags", "all"):
        members = [i for i, (_, own, _) in enumerate(chosen) if kind in (own, "all")]
        rates[kind] = count_attributes([attributes(chosen[i][0]) for i in members], [told[i] for i in members])
    return rates, [(text, picture) for (_, _, text), picture in zip(chosen, pictures, strict=True)]
