"""bitsandbytes loads only where it is asked for, and no script loads a large library to explain itself."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from darkroom.jobs.imports import allow_bitsandbytes, has_bitsandbytes_weights, spare_imports
from darkroom.storage.code_version import installed_version
from darkroom.storage.files import write_json

SCRIPTS = Path(__file__).parents[2] / "scripts"
LIBRARIES = ["torch", "accelerate", "bitsandbytes", "diffusers", "open_clip", "peft", "transformers"]
# It loads the trainings of the pocket models to name their stages.
UNSPARING = "make_pocket"

EXPLAIN = """
import json, runpy, sys
loaded, (libraries, scripts) = {}, map(json.loads, sys.argv[1:])
for script in scripts:
    sys.argv = [script, "--help"]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        loaded[script] = [end.code, *(name for name in libraries if sys.modules.get(name))]
print(json.dumps(loaded), file=sys.stderr)
"""

# peft and diffusers have looked for bitsandbytes in vain when an optimizer asks for it.
OPTIMIZE = """
import sys
from darkroom.jobs.command import run_command

def main():
    import peft, torch
    from diffusers import UNet2DConditionModel
    from darkroom.training.optimizers import make_optimizer
    from darkroom.config.training import TrainingSettings

    for name in ("adamw", "adamw8bit"):
        weight = torch.nn.Parameter(torch.ones(16, 256))
        optimizer = make_optimizer([weight], TrainingSettings(optimizer=name))
        weight.sum().backward()
        optimizer.step()
        moments = {str(value.dtype) for value in optimizer.state[weight].values() if getattr(value, "ndim", 0) == 2}
        print(name, *moments, bool(sys.modules.get("bitsandbytes")), bool((weight < 1).all()))

run_command(main)
"""


def told(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a program says in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True)


def test_no_script_loads_a_large_library_to_explain_itself() -> None:
    scripts = [str(path) for path in sorted(SCRIPTS.glob("*.py")) if path.stem != UNSPARING]
    loaded = json.loads(told(EXPLAIN, json.dumps(LIBRARIES), json.dumps(scripts)).stderr)
    assert loaded == {script: [0] for script in scripts}


def test_bitsandbytes_loads_where_8_bits_are_asked_for_and_only_there() -> None:
    lines = told(OPTIMIZE).stdout.splitlines()
    assert lines == ["adamw torch.float32 False True", "adamw8bit torch.uint8 True True"]


def test_bitsandbytes_is_kept_away_and_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version is known all the while, and what has been loaded stays."""
    monkeypatch.delitem(sys.modules, "bitsandbytes", raising=False)
    spare_imports()
    assert find_spec("bitsandbytes") is None
    assert installed_version("bitsandbytes")
    for _ in range(2):
        allow_bitsandbytes()
        assert find_spec("bitsandbytes") is not None
    monkeypatch.setitem(sys.modules, "bitsandbytes", json)
    spare_imports()
    allow_bitsandbytes()
    assert sys.modules["bitsandbytes"] is json


def test_weights_in_formats_of_bitsandbytes_are_known_by_the_config(tmp_path: Path) -> None:
    assert not has_bitsandbytes_weights(tmp_path)
    for config, there in (
        ({"model_type": "florence2"}, False),
        ({"quantization_config": {"quant_method": "gptq"}}, False),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, True),
    ):
        for folder in (tmp_path / str(there) / "whole", tmp_path / str(there) / "parts" / "unet"):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "config.json", config)
        assert has_bitsandbytes_weights(tmp_path / str(there) / "whole") == there
        assert has_bitsandbytes_weights(tmp_path / str(there) / "parts") == there
