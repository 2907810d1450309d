"""Loads models of transformers with their processors: safetensors, whole, without any code of their own."""

import sys
from pathlib import Path
from typing import Any

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError, lacks_memory, one_line
from darkroom.jobs import device as devices
from darkroom.jobs.device import dtype_of, prepare_device

# What decides an answer of a model loaded here: for `code_version`.
MODULES = (devices, sys.modules[__name__])
# Parts of vision models that sum a picture up for other uses; captions look past them, and some weights lack them.
UNUSED = (".vision_model.head.", ".pooler.", ".post_layernorm.")


def load_pretrained(
    classes: tuple[str, str], path: Path, compute: ComputeSettings, gpu_precision: str, key: str, failing: str
) -> tuple[Any, Any]:
    """A model and its processor, of the transformers classes with these names, on the device: fp32 on the CPU.

    Raises UserError where a GPU is asked for and none is there, or where the folder's files are damaged, incomplete or
    of something else. It then names `key` of the config and says `failing`: "does not load as a ... ({}); ...".
    """
    import torch
    import transformers
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    device = prepare_device(compute.device, compute.inference_threads)
    dtype = torch.float32 if compute.device == "cpu" else dtype_of(gpu_precision)
    model_class, processor_class = (getattr(transformers, name) for name in classes)
    options = {"trust_remote_code": False, "local_files_only": True}
    try:
        model, loading_info = model_class.from_pretrained(
            path, dtype=dtype, use_safetensors=True, output_loading_info=True, **options
        )
        processor = processor_class.from_pretrained(path, **options)
    except Exception as error:  # Damaged files make transformers raise anything.
        if lacks_memory(error):
            raise
        raise UserError(_line(key, path, failing, one_line(error))) from None
    missing = sorted(name for name in loading_info["missing_keys"] if not any(part in f".{name}" for part in UNUSED))
    if missing:
        raise UserError(_line(key, path, failing, f"its weights lack {len(missing)} tensors, such as {missing[0]}"))
    return model.to(device).eval(), processor


def _line(key: str, path: Path, failing: str, why: str) -> str:
    return f"{key}: {path} {failing.format(why)}"
