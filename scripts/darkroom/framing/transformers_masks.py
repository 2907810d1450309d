"""Masks by models of transformers, all native there: Florence-2 from the class word, SAM from a box.

torch and transformers are imported where they are used: a stage whose masks are all remembered never loads them.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError, one_line
from darkroom.framing.mask_measures import PixelBox
from darkroom.jobs.device import prepare_device
from darkroom.models import florence
from darkroom.models.florence import GROUNDING, load_florence, parse_answer

# What decides a mask: for `code_version`.
MODULES = (*florence.MODULES, sys.modules[__name__])
Segment = Callable[[Image.Image], Image.Image]
FindBox = Callable[[Image.Image], PixelBox | None]

SEGMENTATION = "<REFERRING_EXPRESSION_SEGMENTATION>"
# Florence-2 writes places as 1000 steps per side; polygons are drawn at twice that, so that reduced edges are soft.
CANVAS = 2000
# The beams with which Florence-2's authors report its figures (Xiao et al. 2023).
BEAMS = 3
# The processor with box prompts of each SAM-class model, by the model type in its config.json.
SAM_PROCESSORS = {
    "sam": "SamProcessor",
    "sam_hq": "SamHQProcessor",
    "sam2": "Sam2Processor",
    "sam2_video": "Sam2Processor",
    "sam3_tracker": "Sam3TrackerProcessor",
    "sam3_video": "Sam3TrackerProcessor",
}


def _load_florence(path: Path, task: str, compute: ComputeSettings, key: str) -> tuple[Any, Any]:
    """A Florence-2 and its processor; UserError where the processor cannot read answers to the task."""
    model, processor = load_florence(path, compute, key)
    if processor.tasks_answer_post_processing_type[task] not in (processor.post_processor_config or {}):
        raise UserError(f"{key}: the Florence-2 at {path} does not know the task {task}; take one that does")
    return model, processor


def _ask_florence(model: Any, processor: Any, picture: Image.Image, task: str, noun: str) -> dict[str, Any]:
    """What Florence-2 answers to a task about a noun, parsed; places in a square of CANVAS pixels."""
    import torch

    asked = processor(images=picture, text=f"{task}{noun}", return_tensors="pt")
    with torch.inference_mode():
        answer = model.generate(
            input_ids=asked["input_ids"].to(model.device),
            attention_mask=asked["attention_mask"].to(model.device),
            pixel_values=asked["pixel_values"].to(model.device, model.dtype),
            num_beams=BEAMS,
            do_sample=False,
            max_length=None,
            max_new_tokens=model.config.text_config.max_position_embeddings - 2,
        )[0]
    text = processor.decode(answer, skip_special_tokens=False)
    parsed: dict[str, Any] = parse_answer(processor, text, task, (CANVAS, CANVAS))
    return parsed


def draw_polygons(things: Sequence[Sequence[Sequence[float]]], size: tuple[int, int]) -> Image.Image:
    """The mask (8-bit, soft edges, `size` in pixels) of all polygons of all things, given in a square of CANVAS pixels.

    A polygon is x0, y0, x1, y1, ...; one of fewer than three points is no area and left out.
    """
    canvas = Image.new("L", (CANVAS, CANVAS), 0)
    draw = ImageDraw.Draw(canvas)
    for polygon in (polygon for polygons in things for polygon in polygons):
        points = list(zip(polygon[0::2], polygon[1::2], strict=False))
        if len(points) >= 3:
            draw.polygon(points, fill=255)
    return canvas.resize(size, Image.Resampling.BICUBIC)


def load_florence_masks(path: Path, noun: str, compute: ComputeSettings, key: str) -> Segment:
    """A function from an RGB picture to the mask of all that Florence-2 takes for `noun`, such as `a toy`.

    `key` of the config named the model, here and below. Raises UserError where it does not load or know the task.
    """
    model, processor = _load_florence(path, SEGMENTATION, compute, key)

    def segment(picture: Image.Image) -> Image.Image:
        answer = _ask_florence(model, processor, picture, SEGMENTATION, noun)
        return draw_polygons(answer["polygons"], picture.size)

    return segment


def load_florence_boxes(path: Path, noun: str, compute: ComputeSettings, key: str) -> FindBox:
    """A function from an RGB picture to the largest box (whole pixels) in which Florence-2 sees `noun`, if any."""
    model, processor = _load_florence(path, GROUNDING, compute, key)

    def find(picture: Image.Image) -> PixelBox | None:
        boxes = _ask_florence(model, processor, picture, GROUNDING, noun)["bboxes"]
        boxes = [box for box in boxes if box[2] > box[0] and box[3] > box[1]]
        if not boxes:
            return None
        x0, y0, x1, y1 = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        across, down = picture.width / CANVAS, picture.height / CANVAS
        return int(x0 * across), int(y0 * down), round(x1 * across), round(y1 * down)

    return find


def load_sam_masks(path: Path, kind: str, find: FindBox, compute: ComputeSettings, key: str) -> Segment:
    """A function from an RGB picture to the mask of what a SAM-class model sees in the box that `find` gives.

    `kind` is the model type, one of SAM_PROCESSORS. Without a box the mask is black. Edges are soft: the sigmoid of the
    model's logits. Raises UserError where the folder does not load.
    """
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    device = prepare_device(compute.device, compute.inference_threads)
    try:
        model: Any = transformers.AutoModelForMaskGeneration.from_pretrained(path, use_safetensors=True)
        processor = getattr(transformers, SAM_PROCESSORS[kind]).from_pretrained(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{key}: {path} does not load as a model of type {kind} ({one_line(error)})") from None
    model = model.to(device).eval()

    def segment(picture: Image.Image) -> Image.Image:
        box = find(picture)
        if box is None:
            return Image.new("L", picture.size, 0)
        asked = processor(images=picture, input_boxes=[[[float(side) for side in box]]], return_tensors="pt")
        sizes = [asked[name] for name in ("original_sizes", "reshaped_input_sizes") if name in asked]
        seen = {name: asked[name].to(device) for name in ("pixel_values", "input_boxes")}
        with torch.inference_mode():
            found = model(**seen, multimask_output=False).pred_masks.float().cpu()
            logits = processor.post_process_masks(found, *sizes, binarize=False)[0]
        levels = torch.sigmoid(logits.reshape(logits.shape[-2:])) * 255
        return Image.fromarray(levels.round().numpy().astype(np.uint8))

    return segment
