"""One thread for all libraries, whatever the environment says, and more only where they are asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
# What neither starts threads nor reads their number.
HARMLESS = {"packaging", "PIL"}
COUNTS = """\
import os
import darkroom
import cv2, numpy
square = numpy.ones((2000, 2000))
square @ square
cv2.GaussianBlur(square, (31, 31), 5)
print(cv2.getNumThreads(), len(os.listdir("/proc/self/task")))
import torch
from darkroom.jobs.device import prepare_device
print(torch.get_num_threads())
prepare_device("cpu", 2)
print(torch.get_num_threads(), os.environ["OMP_WAIT_POLICY"])
"""


def test_all_libraries_have_one_thread_and_torch_what_it_is_asked_for() -> None:
    environment = {"PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "ACTIVE"}
    done = subprocess.run(
        [sys.executable, "-c", COUNTS], capture_output=True, text=True, env=environment, check=True, timeout=300
    )
    assert done.stdout.splitlines() == ["1 1", "1", "2 PASSIVE"]


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_load_darkroom_before_any_library_with_threads(script: Path) -> None:
    names = []
    for node in ast.parse(script.read_text()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            names.append(str(module).partition(".")[0])
    before = names[: names.index("darkroom")] if "darkroom" in names else names
    assert set(before) <= sys.stdlib_module_names | HARMLESS
