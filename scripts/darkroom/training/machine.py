"""What of a machine decides bytes: floating-point kernels differ between generations of processors. No name of it."""

import platform
from pathlib import Path
from typing import Any

import psutil
import torch

from darkroom.config.base import ComputeSettings


def machine_record(compute: ComputeSettings) -> dict[str, Any]:
    """Processor, instruction set that torch uses, C library, and the GPU with its CUDA version where one is used."""
    on_gpu = compute.device == "gpu" and torch.cuda.is_available()
    return {
        "architecture": platform.machine(),
        "system": platform.system(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if on_gpu else None,
        "cuda": torch.version.cuda if on_gpu else None,
    }


def memory_in_use(device: torch.device) -> int:
    """The bytes that this process holds: the most so far on a GPU, now in RAM."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    return int(psutil.Process().memory_info().rss)


def _processor() -> str:
    """The model of the processor as Linux names it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
