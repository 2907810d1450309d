"""Where models run: threads, determinism, a GPU of its own, and one clear line where there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from darkroom.errors import UserError
from darkroom.jobs.gpu_locks import take_gpus

if TYPE_CHECKING:
    import torch

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def dtype_of(precision: str) -> torch.dtype:
    """torch's type of numbers of a precision, such as `bf16`."""
    import torch

    dtype: torch.dtype = getattr(torch, PRECISIONS[precision])
    return dtype


def prepare_device(device: str, threads: int) -> torch.device:
    """The device `cpu` or `gpu` to run on, with the number of threads set and reproducible algorithms asked for.

    A GPU is this process's alone; it waits where other jobs hold all of them. Raises UserError where a GPU is asked
    for and there is none.
    """
    import torch

    # A GPU keeps warnings instead of errors: a few of its kernels have no reproducible form.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device == "gpu")
    if device == "cpu":
        return torch.device("cpu")
    take_gpus()
    if not torch.cuda.is_available():
        raise UserError("compute.device: gpu is asked for, but torch finds no GPU; set `compute: {device: cpu}`")
    return torch.device("cuda")
