"""A training script, run and measured from inside its own process: the same few lines for every trainer.

    python benchmarks/measured_training.py FIGURES.json SCRIPT ARGUMENTS...

The script runs unchanged. A hook on torch's optimizers notes clock, processor time and weights after each step, and the
kernel is asked for the most memory that was resident: from the first step to the last, and of the whole run.
"""

import json
import re
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# What the kernel takes to set the most resident memory of a process back to what is resident now.
FORGET_PEAK = "5"


def peak_memory() -> int:
    """The most bytes resident since the start or the last `forget_peak`."""
    match = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), flags=re.MULTILINE)
    if match is None:
        raise RuntimeError(f"{STATUS} tells no VmHWM; peaks are measured on Linux only")
    return 1024 * int(match[1])


class Figures:
    """What is noted of a run: clock and processor seconds at each step's end, trained weights, bytes."""

    def __init__(self) -> None:
        self.clock: list[float] = []
        self.work: list[float] = []
        self.weights = 0
        self.before = self.steps = self.gpu = 0

    def note(self, optimizer: Any, *_: Any) -> None:
        """Note the end of a step; a hook of every optimizer."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            self.gpu = torch.cuda.max_memory_reserved()
        if not self.clock:
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
            self.before = peak_memory()
            RESET.write_text(FORGET_PEAK)
            groups = optimizer.param_groups
            self.weights = sum(weight.numel() for group in groups for weight in group["params"])
        self.steps = peak_memory()
        self.clock.append(time.monotonic())
        self.work.append(time.process_time())

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        figures = {
            "clock": self.clock,
            "work": self.work,
            "weights": self.weights,
            "memory": self.steps,
            "memory_of_run": max(self.before, peak_memory()),
            "gpu": self.gpu,
        }
        path.write_text(json.dumps(figures))


def main() -> None:
    report, script = Path(sys.argv[1]), sys.argv[2]
    figures = Figures()
    register_optimizer_step_post_hook(figures.note)
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        figures.write(report)


if __name__ == "__main__":
    main()
