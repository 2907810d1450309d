"""A model in diffusers form: the family its folder is of, what must lie in it, and its parts, loaded one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from darkroom.errors import UserError, one_line
from darkroom.storage.files import read_json

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline

Part = TypeVar("Part")
NAMES = {"sd15": "Stable Diffusion 1.5", "sdxl": "SDXL", "flux": "FLUX.1"}
WHOLE = "."
# By which `family_of` knows a model: they are fetched whatever family it is said to be of.
DENOISER_CONFIGS = ("unet/config.json", "transformer/config.json")


def family_of(model: Path) -> str | None:
    """The family of a model's folder, by its denoiser's config: a key of NAMES, or the name of a class that is none.

    None where the folder holds no denoiser.
    """
    for file in DENOISER_CONFIGS:
        try:
            config = read_json(model / file)
        except (OSError, ValueError):
            continue
        kind = str(config.get("_class_name"))
        if kind == "FluxTransformer2DModel":
            return "flux"
        if kind == "UNet2DConditionModel":
            return _family_of_unet(config)
        return kind
    return None


def _family_of_unet(config: Mapping[str, object]) -> str:
    if config.get("addition_embed_type") == "text_time":
        return "sdxl"
    # The UNets of 1 and 2 differ in little but the text encoder that conditions them, which this is the width of.
    return "Stable Diffusion 2" if config.get("cross_attention_dim") == 1024 else "sd15"


def without_weights(files: tuple[str, ...]) -> tuple[str, ...]:
    """Of the patterns of a model's files those of configs and tokenizers."""
    return tuple(pattern for pattern in files if "safetensors" not in pattern)


def check_family(family: str, model: Path) -> None:
    """Raise UserError, one line, where a folder holds the denoiser of another family."""
    found = family_of(model)
    if found is not None and found != family:
        todo = f"set family: {found} or" if found in NAMES else "Darkroom does not know this family;"
        raise UserError(
            f"{model}: it is a model of {NAMES.get(found, found)}, not of {NAMES[family]}; {todo} give another model"
        )


def check_denoiser(family: str, model: Path) -> None:
    """Raise UserError, one line, where a folder does not hold the config of a denoiser of a family."""
    check_family(family, model)
    if family_of(model) is None:
        raise UserError(
            f"{model}: it holds none of {', '.join(DENOISER_CONFIGS)}, so it is no {NAMES[family]} model in diffusers "
            "form; give another model"
        )


def check_model(family: str, model: Path, files: tuple[str, ...]) -> None:
    """Raise UserError where a folder is no whole model of a family; `files` are the patterns of its files.

    No weights are read: this can be asked before anything else is computed.
    """
    check_family(family, model)
    for part in sorted({pattern.split("/")[0] for pattern in files}):
        _check_there(family, model, part)
    for part, name in sorted(_weight_files(files)):
        missing = _missing_weights(model / part, name)
        if missing is not None:
            raise UserError(f"{missing}: these weights are missing; put them there or give another model")


def _weight_files(files: tuple[str, ...]) -> set[tuple[str, str]]:
    """The parts that have weights, each with the name of its file: `unet`, `diffusion_pytorch_model.safetensors`."""
    weights = (pattern.split("/") for pattern in files if "safetensors" in pattern)
    return {(part, name.replace("*", "")) for part, name in weights}


def _missing_weights(part: Path, name: str) -> Path | None:
    """A file of weights that is not there, be they one file or several that an index lists."""
    index = part / f"{name}.index.json"
    if (part / name).exists():
        return None
    if not index.exists():
        return part / name
    try:
        pieces = sorted(set(read_json(index)["weight_map"].values()))
    except (KeyError, ValueError):
        raise UserError(f"{index}: it lists no weights; fetch the file again or give another model") from None
    return next((part / piece for piece in pieces if not (part / piece).exists()), None)


def _check_there(family: str, model: Path, needed: str) -> None:
    if not (model / needed).exists():
        raise UserError(
            f"{model}: it holds no {needed}, so it is no {NAMES[family]} model in diffusers form; give the folder that "
            "holds model_index.json and the parts that it names"
        )


def load_part(family: str, load: Callable[..., Part], model: Path, part: str, **options: object) -> Part:
    """One part of a model, such as `vae`, or the WHOLE.

    Raises UserError, one line, where the folder is of another family, does not hold the part or it does not load.
    """
    check_family(family, model)
    _check_there(family, model, "model_index.json" if part == WHOLE else part)
    try:
        return load(str(model / part), local_files_only=True, **options)
    except (OSError, TypeError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"{model / part}: it does not load: {one_line(error)}") from None


def load_pipeline(
    family: str, kind: type[DiffusionPipeline], model: Path, device: torch.device, precision: str, **options: object
) -> DiffusionPipeline:
    """The whole pipeline, without progress bars: fp32 where it runs on the CPU, else in a torch dtype by its name."""
    import torch
    from diffusers.utils.logging import disable_progress_bar

    disable_progress_bar()
    options |= {"dtype": torch.float32 if device.type == "cpu" else getattr(torch, precision), "use_safetensors": True}
    pipeline = load_part(family, kind.from_pretrained, model, WHOLE, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
