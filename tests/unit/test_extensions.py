"""Where CONTRIBUTING.md says that a new one goes, it goes: an example is added to a copy of the library and then works.

An example may touch the files that its row of the table names, and no others. That of a stage is in
`tests/workflow/test_workflow_extensions.py`.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from contributing import files_to_touch
from tiny_models import save_tiny_sd15

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "scripts" / "darkroom"


@dataclass(frozen=True)
class Extension:
    """What is new: its row in the table, files to add, texts to replace by file, and a program that uses it.

    The program runs in a folder of its own and fails where the new one does not work.
    """

    row: str
    added: Mapping[str, str]
    edited: Mapping[str, Mapping[str, str]]
    program: str


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """A text with each of the old ones, which are there once, exchanged for the new one."""
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


OPTIMIZER = Extension(
    "optimizer",
    {},
    {
        "config/training.py": {'"schedulefree", "adafactor"]': '"schedulefree", "adafactor", "sgd"]'},
        "training/optimizers.py": {
            '"adafactor": 0.1}': '"adafactor": 0.1, "sgd": 0.0}',
            '    if settings.optimizer == "adafactor":': '    if settings.optimizer == "sgd":\n'
            "        return torch.optim.SGD(parameters, **options)\n"
            '    if settings.optimizer == "adafactor":',
        },
    },
    """
import torch
from darkroom.config.training import TrainingSettings
from darkroom.training.optimizers import OPTIMIZER_NUMBERS, learning_rate_at, make_optimizer

settings = TrainingSettings(optimizer="sgd", learning_rate=0.05, weight_decay=0.0)
weight = torch.nn.Parameter(torch.ones(2))
optimizer = make_optimizer([weight], settings)
for _ in range(100):
    optimizer.zero_grad()
    (weight**2).sum().backward()
    optimizer.step()
assert weight.abs().max() < 1e-3 and isinstance(optimizer, torch.optim.SGD)
assert settings.optimizer in OPTIMIZER_NUMBERS and learning_rate_at(1, settings) == 0.05
""",
)

ADAPTER = Extension(
    "adapter",
    {},
    {
        "config/training.py": {
            '    layers: Literal["attention",': '    adapter: Literal["lora", "rslora"] = "lora"\n'
            '    layers: Literal["attention",'
        },
        "training/adapter.py": {
            "r=settings.rank, lora_alpha=settings.alpha, target_modules=target_modules)": "r=settings.rank, "
            'lora_alpha=settings.alpha, target_modules=target_modules, use_rslora=settings.adapter == "rslora")'
        },
    },
    """
from pathlib import Path

import torch
from darkroom.config.training import TrainingSettings
from darkroom.families import sd15
from darkroom.training.adapter import add_adapter, adapter_layers

scales = {}
for adapter in ("lora", "rslora"):
    denoiser = sd15.load_denoiser(Path("model"), torch.float32)
    settings = TrainingSettings(adapter=adapter, rank=4, alpha=4)
    add_adapter(denoiser, settings, sd15.LAYERS["attention"])
    scales[adapter] = {scale for layer in adapter_layers(denoiser) for scale in layer.scaling.values()}
assert scales == {"lora": {1.0}, "rslora": {2.0}}, scales
""",
)

CAPTIONER = Extension(
    "captioner",
    {
        "captions/brightness.py": '''"""Says how bright a picture is."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

MODULES = (sys.modules[__name__],)
FILE = "brightness.json"


def load_brightness(path: Path) -> Callable[[Sequence[Image.Image]], list[dict[str, Any]]]:
    """Load the words of a folder, by the least brightness at which they are said."""
    words = json.loads((path / FILE).read_text())
    return lambda pictures: [{"text": words[str(int(np.asarray(picture).mean() >= 128))]} for picture in pictures]
'''
    },
    {
        "captions/captioners.py": {
            "import florence, tagger, vision_language": "import brightness, florence, tagger, vision_language",
            '"image-text-to-text", "tagger"]': '"image-text-to-text", "tagger", "brightness"]',
            '    "tagger": ("batch",),\n': '    "tagger": ("batch",),\n    "brightness": (),\n',
            '    "tagger": tagger.MODULES,\n': '    "tagger": tagger.MODULES,\n    "brightness": brightness.MODULES,\n',
            "    if (path / tagger.TAGS).is_file():": "    if (path / brightness.FILE).is_file():\n"
            '        return "brightness"\n    if (path / tagger.TAGS).is_file():',
            '    if kind == "tagger":': '    if kind == "brightness":\n'
            '        return brightness.load_brightness(path)\n    if kind == "tagger":',
        }
    },
    """
import json
from pathlib import Path

from PIL import Image
from darkroom.captions.captioners import MODULES, caption_of, captioner_kind, deciding_settings, load_captioner
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings

Path("words").mkdir()
Path("words/brightness.json").write_text(json.dumps({"0": "a dark picture", "1": "a bright picture"}))
settings, compute = CaptionerSettings(), ComputeSettings(device="cpu")
kind = captioner_kind(Path("words"))
assert kind == "brightness" and MODULES[kind] and deciding_settings(kind, settings) == {"kind": kind}
describe = load_captioner(Path("words"), settings, compute)
answers = describe([Image.new("RGB", (8, 8), colour) for colour in ("white", "black")])
said = [caption_of(answer, settings, "toy") for answer in answers]
assert said == ["a bright picture", "a dark picture"], said
""",
)

MASKS = Extension(
    "mask backend",
    {
        "framing/threshold.py": '''"""What is brighter than a threshold is the subject."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

MODULES = (sys.modules[__name__],)
KIND = "threshold"


def load_threshold(path: Path) -> Callable[[Image.Image], Image.Image]:
    """Load the threshold of a folder."""
    least = json.loads((path / "config.json").read_text())["least"]
    return lambda picture: picture.convert("L").point(lambda level: 255 * (level >= least))
'''
    },
    {
        "framing/segmenter.py": {
            "import mask_measures, salient_networks, transformers_masks": "import mask_measures, salient_networks, "
            "threshold, transformers_masks",
            "    if kind == FLORENCE or kind in": "    if kind in (FLORENCE, threshold.KIND) or kind in",
            "        return (*networks, ": "        return (*networks, *threshold.MODULES, ",
            "    if kind == FLORENCE:\n        noun": "    if kind == threshold.KIND:\n"
            "        return threshold.load_threshold(model.path)\n    if kind == FLORENCE:\n        noun",
        }
    },
    """
import json
from pathlib import Path

from PIL import Image
from darkroom.config.base import ComputeSettings
from darkroom.framing.mask_measures import describe_mask
from darkroom.framing.segmenter import Finder, load_segmenter
from darkroom.models.fetch import lock_local

Path("masks").mkdir()
Path("masks/config.json").write_text(json.dumps({"model_type": "threshold", "least": 200}))
finder = Finder(lock_local("masks"), None, None, "toy", ComputeSettings(device="cpu"))
picture = Image.new("RGB", (40, 30), "grey")
picture.paste("white", (10, 5, 20, 25))
numbers = describe_mask(load_segmenter(finder)(picture))
assert [numbers[side] for side in ("x0", "y0", "x1", "y1")] == [10, 5, 20, 25]
assert "darkroom.framing.threshold" in {module.__name__ for module in finder.modules()}
""",
)

# SD1.5 under another name, with timesteps of its own.
VELOCITY = {'FAMILY = "sd15"': 'FAMILY = "velocity"', '"uniform"': '"logit-normal"'}

FAMILY = Extension(
    "model family",
    {"families/velocity.py": replaced((LIBRARY / "families" / "sd15.py").read_text(), VELOCITY)},
    {
        "families/base.py": {'"sdxl", "flux"]': '"sdxl", "flux", "velocity"]'},
        "families/model_folder.py": {
            'NAMES = {"sd15"': 'NAMES = {"velocity": "SD1.5 of velocity", "sd15"',
            '    if config.get("addition_embed_type")': '    if config.get("note") == "velocity":\n'
            '        return "velocity"\n    if config.get("addition_embed_type")',
        },
    },
    """
import json
from pathlib import Path

import torch
from darkroom.config.project import Target
from darkroom.errors import UserError
from darkroom.families.base import FAMILIES, code_modules, family
from darkroom.families.model_folder import family_of

model = Path("model")
config = model / "unet" / "config.json"
config.write_text(json.dumps(json.loads(config.read_text()) | {"note": "velocity"}))
assert "velocity" in FAMILIES and family_of(model) == "velocity"
velocity = family("velocity")
assert velocity.FAMILY == "velocity" and velocity.DEFAULT_TIMESTEPS == "logit-normal"
assert "darkroom.families.velocity" in {module.__name__ for module in code_modules(velocity)}
assert Target.model_validate({"family": "velocity", "model": "model"}).family == "velocity"
velocity.check_model(model)
assert velocity.count_tokens(velocity.load_tokenizers(model), "a toy") > 2
text = velocity.encode_text(velocity.load_text_encoders(model, torch.device("cpu")), "a toy")
denoiser = velocity.load_denoiser(model, torch.float32)
noisy = torch.zeros(1, 4, 8, 8)
text = {name: tensor[None] for name, tensor in text.items()}
with torch.no_grad():
    prediction = velocity.predict(denoiser, noisy, torch.tensor([500]), text, torch.tensor([[64, 64]]))
assert prediction.shape == noisy.shape and prediction.isfinite().all()
try:
    family("sd15").check_model(model)
except UserError as error:
    assert "set family: velocity" in str(error)
else:
    raise AssertionError("taken for SD1.5")
""",
)

EXTENSIONS = (OPTIMIZER, ADAPTER, CAPTIONER, MASKS, FAMILY)


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.row)
def test_a_new_one_works_where_the_table_puts_it(extension: Extension, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    save_tiny_sd15(tmp_path / "model")
    library = tmp_path / "scripts" / "darkroom"
    allowed = {file.removeprefix("scripts/darkroom/") for file in files_to_touch(extension.row)}
    for place, text in extension.added.items():
        assert f"{Path(place).parent}/NAME.py" in allowed
        (library / place).write_text(text)
    for place, changes in extension.edited.items():
        assert place in allowed
        (library / place).write_text(replaced((library / place).read_text(), changes))
    command = [sys.executable, "-c", extension.program]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": "scripts"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
