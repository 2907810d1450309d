"""Networks in ONNX, run reproducibly."""

import sys
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.jobs.gpu_locks import take_gpus

# What decides an answer of a network: for `code_version`.
MODULES = (sys.modules[__name__],)


def open_session(path: Path, threads: int, key: str, device: str = "cpu") -> Any:
    """An onnxruntime session with deterministic kernels: on the GPU where `device` is `gpu` and the installed
    onnxruntime can, else on the CPU.

    Raises UserError, which names `key` of the config, where the file is no network that can be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "gpu" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        take_gpus()
        # Neither a search for the fastest algorithm nor TF32: both make results depend on the moment or the card.
        providers.insert(0, ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}))
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime has an exception class per way of failing.
        raise UserError(f"{key}: {path} is no ONNX model that can be run ({str(error)[:100]})") from None
