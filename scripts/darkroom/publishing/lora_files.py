"""LoRA files: a checkpoint read with its rank and alpha, and safetensors written in the same bytes every time."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.storage.files import canonical_json, sha256_bytes, write_bytes

ADAPTER_METADATA = "lora_adapter_metadata"  # the key under which diffusers keeps rank, alpha and modules


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of an adapter under diffusers' names and what diffusers needs to know beside them."""

    tensors: dict[str, Any]
    adapter: dict[str, Any]

    def setting(self, part: str, name: str) -> Any:
        """A value of the adapter's config, such as `r` or `lora_alpha`, of a part of the pipeline."""
        return self.adapter[f"{part}.{name}"]

    def parts(self) -> dict[str, dict[str, Any]]:
        """The tensors by the part of the pipeline that they are for: the denoiser, adapted text encoders."""
        parts: dict[str, dict[str, Any]] = {}
        for name, tensor in self.tensors.items():
            parts.setdefault(name.partition(".")[0], {})[name] = tensor
        return parts


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises UserError where it is no adapter of ours."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: it cannot be read as safetensors ({error}); delete it and train again") from None
    if ADAPTER_METADATA not in metadata:
        raise UserError(f"{path}: it does not say its rank and alpha ({ADAPTER_METADATA}); delete it and train again")
    return Checkpoint(tensors, json.loads(metadata[ADAPTER_METADATA]))


def tensors_sha256(tensors: Mapping[str, Any]) -> str:
    """The sha256 of the tensors as they lie in a file, header left out: sd-scripts' `sshs_model_hash`."""
    return sha256_bytes(_split(tensors)[1])


def write_lora(path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write tensors with metadata as safetensors, whole or not at all.

    The safetensors library writes metadata in an order that differs from process to process; here the header is
    sorted, so that equal content gives equal bytes.
    """
    header, data = _split(tensors)
    text = canonical_json({**header, "__metadata__": dict(metadata)}).encode()
    text += b" " * (-len(text) % 8)
    write_bytes(path, struct.pack("<Q", len(text)) + text + data)


def _split(tensors: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The header (without metadata) and the data of a safetensors file."""
    from safetensors.torch import save

    blob = save({name: tensors[name].contiguous() for name in sorted(tensors)})
    (length,) = struct.unpack("<Q", blob[:8])
    return json.loads(blob[8 : 8 + length]), blob[8 + length :]
