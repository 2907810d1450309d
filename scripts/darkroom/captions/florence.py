"""Florence-2, native in transformers: pictures in, descriptions out, each independent of its neighbours in a batch.

torch and transformers are imported where they are used: a stage whose captions are all remembered never loads them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from darkroom.captions.settings import CaptionerSettings
from darkroom.errors import UserError
from darkroom.settings import ComputeSettings

Describe = Callable[[Sequence[Image.Image]], list[str]]


@dataclass(frozen=True)
class Captioner:
    """A loaded Florence-2 with its processor and how it is asked."""

    model: Any
    processor: Any
    settings: CaptionerSettings
    longest: int


def load_captioner(path: Path, settings: CaptionerSettings, compute: ComputeSettings) -> Captioner:
    """Load Florence-2 from a folder: fp32 on the CPU, fp16 on a GPU.

    Raises UserError where a GPU is asked for and none is there, or the folder holds no Florence-2.
    """
    import torch
    from transformers import Florence2ForConditionalGeneration, Florence2Processor
    from transformers.utils.logging import disable_progress_bar

    from darkroom.device import prepare_device

    disable_progress_bar()
    device = prepare_device(compute.device, compute.inference_threads)
    dtype = torch.float32 if compute.device == "cpu" else torch.float16
    try:
        model: Any = Florence2ForConditionalGeneration.from_pretrained(path, dtype=dtype, use_safetensors=True)
        processor = Florence2Processor.from_pretrained(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"captioner.model: {path} does not load as a native Florence-2 ({' '.join(str(error).split())[:300]}); "
            "take florence-community/Florence-2-base or -large, whose weights need no remote code"
        ) from None
    model = model.to(device).eval()
    positions = model.config.text_config.max_position_embeddings
    return Captioner(model, processor, settings, min(settings.max_tokens, positions - 2))


def describe(captioner: Captioner, pictures: Sequence[Image.Image]) -> list[str]:
    """The descriptions of at most `settings.batch` RGB pictures, by beam search without sampling.

    The batch is filled up with copies of its last picture, so that every forward pass has the same shape and a
    description never depends on how many neighbours a picture has. What the model's generation config asks for, such
    as no repeated n-grams, holds.
    """
    import torch

    settings = captioner.settings
    if not 1 <= len(pictures) <= settings.batch:
        raise ValueError(f"{len(pictures)} pictures for a batch of {settings.batch}")
    # One picture at a time: what the processor makes of a picture must not depend on the others either.
    ready = [captioner.processor(images=picture, text=settings.task, return_tensors="pt") for picture in pictures]
    ready += [ready[-1]] * (settings.batch - len(ready))
    pixels = torch.cat([inputs["pixel_values"] for inputs in ready])
    device = captioner.model.device
    with torch.inference_mode():
        answers = captioner.model.generate(
            input_ids=torch.cat([inputs["input_ids"] for inputs in ready]).to(device),
            attention_mask=torch.cat([inputs["attention_mask"] for inputs in ready]).to(device),
            pixel_values=pixels.to(device, captioner.model.dtype),
            num_beams=settings.beams,
            do_sample=False,
            max_length=None,
            max_new_tokens=captioner.longest,
        )
    return [_clean(captioner, answer, picture) for answer, picture in zip(answers, pictures, strict=False)]


def _clean(captioner: Captioner, answer: Any, picture: Image.Image) -> str:
    """The text of one answer without special tokens, on one line."""
    processor = captioner.processor
    text = processor.decode(answer, skip_special_tokens=False).replace(processor.tokenizer.pad_token, "")
    parsed = processor.post_process_generation(text, task=captioner.settings.task, image_size=picture.size)
    return " ".join(str(parsed[captioner.settings.task]).split())
