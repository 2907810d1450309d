"""FLUX.1: a flow-matching transformer behind CLIP and T5. It is planned and captioned for; training it is to come."""

from pathlib import Path
from typing import Any, NoReturn

from darkroom.errors import UserError
from darkroom.families.kohya_names import to_kohya_names

MODEL_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    "tokenizer_2/*",
    "text_encoder/config.json",
    "text_encoder/model*.safetensors*",
    "text_encoder_2/config.json",
    "text_encoder_2/model*.safetensors*",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model*.safetensors*",
    "vae/config.json",
    "vae/diffusion_pytorch_model*.safetensors*",
)
SKIPPED_FILES = ("*.fp16.safetensors", "*.fp16.safetensors.index.json")
MODELSPEC_ARCHITECTURE = "flux-1-dev/lora"
KOHYA_BASE_VERSION = "flux1"
DENOISER = "transformer"
LAYERS: dict[str, list[str]] = {}


def load_tokenizers(model: Path) -> list[Any]:
    """The tokenizer of T5, which hears the words. CLIP gives one vector for the whole text and limits nothing."""
    from transformers import AutoTokenizer

    folder = model / "tokenizer_2"
    if not folder.is_dir():
        raise UserError(f"{model}: it holds no tokenizer_2/, so it is no FLUX model in diffusers form")
    return [AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)]


def count_tokens(tokenizers: list[Any], text: str) -> int:
    """Tokens of a text for T5, the end token included."""
    return max(len(tokenizer(text).input_ids) for tokenizer in tokenizers)


def token_limit(tokenizers: list[Any]) -> int:
    """The most tokens that T5 reads, the end token included: 512 as FLUX.1-dev sets it."""
    return min(512, *(int(tokenizer.model_max_length) for tokenizer in tokenizers), 512)


def to_kohya(tensors: dict[str, Any], alpha: float) -> dict[str, Any]:
    """LoRA tensors as `lora_transformer_...` with alpha: names that ComfyUI reads; kohya's own fuse q, k and v."""
    return to_kohya_names(tensors, alpha, {"transformer": "lora_transformer"})


def _not_yet() -> NoReturn:
    raise UserError(
        "family flux: training is not there yet; everything up to the dataset works, so choose an sdxl target to train"
    )


def load_text_encoders(model: Path, device: Any) -> Any:
    """Not there yet: UserError."""
    _not_yet()


def load_vae(model: Path, device: Any) -> Any:
    """Not there yet: UserError."""
    _not_yet()


def load_denoiser(model: Path, precision: Any) -> Any:
    """Not there yet: UserError."""
    _not_yet()


def load_pipeline(model: Path, device: Any) -> Any:
    """Not there yet: UserError."""
    _not_yet()
