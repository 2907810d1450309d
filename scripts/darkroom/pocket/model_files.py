"""Writes a trained model with its card to its folder, whole or not at all."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file

from darkroom.pocket.clip import model_config, preprocess_config
from darkroom.pocket.vocabulary import clip_tokenizer

DENOISERS = ("unet", "transformer")


def replace_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Call `write(temporary folder)` and put the result in place of `folder`, so that no half model is ever seen."""
    temporary = folder.with_name(f".{folder.name}.new")
    old = folder.with_name(f".{folder.name}.old")
    for leftover in (temporary, old):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir(parents=True)
    write(temporary)
    for path in temporary.rglob("*.safetensors"):  # written for the owner's eyes only
        path.chmod(0o644)
    for path in temporary.rglob("tokenizer.json"):  # mostly white space as it comes
        vocabulary = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    if folder.exists():
        folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def half(model: Any) -> Any:
    """A float16 copy of a model: half the file."""
    return deepcopy(model).half().eval()


def save_captioner(model: Any, processor: Any, folder: Path, card: str) -> None:
    """A folder for `Florence2ForConditionalGeneration.from_pretrained` and `Florence2Processor.from_pretrained`."""

    def write(temporary: Path) -> None:
        half(model).save_pretrained(temporary)
        processor.save_pretrained(temporary)
        load_in_float32(temporary / "config.json")
        (temporary / "README.md").write_text(card)

    replace_folder(folder, write)


def save_pipeline(pipeline: Any, folder: Path, card: str) -> None:
    """A folder for the `from_pretrained` of the pipeline's class."""

    def write(temporary: Path) -> None:
        parts = {name: half(part) for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
        options = {"add_watermarker": False} if isinstance(pipeline, StableDiffusionXLPipeline) else {}
        type(pipeline)(**{**pipeline.components, **parts}, **options).save_pretrained(temporary)
        for encoder in ("text_encoder", "text_encoder_2"):
            load_in_float32(temporary / encoder / "config.json")
        for denoiser in DENOISERS:
            for path in (temporary / denoiser).glob("*.safetensors"):
                store_in_8_bits(path)
        (temporary / "README.md").write_text(card)

    replace_folder(folder, write)


def store_in_8_bits(path: Path) -> None:
    """Rewrite a file of weights with its matrices and kernels as float8_e4m3fn, 2.7 % of their norm off what they were.

    diffusers loads them in float32, or whatever it is asked for. Half the file, and no picture tells (docs/pocket.md).
    """
    weights = load_file(path)
    small = {name: weight.to(torch.float8_e4m3fn) if weight.dim() > 1 else weight for name, weight in weights.items()}
    save_file(small, path, metadata={"format": "pt"})


def save_clip(model: Any, folder: Path, card: str) -> None:
    """A folder for open_clip's `create_model_from_pretrained("local-dir:...")` and `get_tokenizer`."""

    def write(temporary: Path) -> None:
        weights = {name: tensor.contiguous() for name, tensor in half(model).state_dict().items()}
        save_file(weights, temporary / "open_clip_model.safetensors")
        config = {"model_cfg": model_config(), "preprocess_cfg": preprocess_config()}
        (temporary / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
        clip_tokenizer().save_pretrained(temporary)
        (temporary / "README.md").write_text(card)

    replace_folder(folder, write)


def load_in_float32(config: Path) -> None:
    """Transformers loads in the type that the config names: files are float16, arithmetic on a CPU should not be."""
    values = json.loads(config.read_text())
    for part in (values, *(value for value in values.values() if isinstance(value, dict))):
        if "dtype" in part:
            part["dtype"] = "float32"
    values["dtype"] = "float32"
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
