"""Render pictures of what the base model already shows, so that training can leave it alone."""

from pathlib import Path
from types import ModuleType
from typing import Any

from darkroom.config.base import ComputeSettings
from darkroom.config.evaluation import RenderSettings
from darkroom.config.training import PriorSettings
from darkroom.families.base import code_modules, family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.jobs.device import prepare_device
from darkroom.models.lock import LockedModel, read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.files import link_or_copy, sha256_file
from darkroom.storage.tables import write_table
from darkroom.training import rendering

COLUMNS = ("picture", "prompt", "seed", "width", "height", "file", "sha256")


def load(module: ModuleType, model: LockedModel, compute: ComputeSettings) -> Any:
    """Load the base model; called only where a picture is missing."""
    return module.load_pipeline(model.path, prepare_device(compute.device, compute.training_threads))


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--subject-class", required=True, help="the common word for the subject")
    parser.add_argument("--settings", required=True, help="PriorSettings as JSON")
    parser.add_argument("--render", required=True, help="RenderSettings as JSON")
    parser.add_argument("--side", type=int, required=True, help="width and height in pixels")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of pictures, to write")
    parser.add_argument("--table", type=Path, required=True, help="prior.csv, to write")
    arguments = parser.parse_args()
    settings = PriorSettings.from_argument(arguments.settings)
    drawing = RenderSettings.from_argument(arguments.render)
    compute = ComputeSettings.from_argument(arguments.compute)
    model, module, side = read_lock(arguments.model), family(arguments.family), arguments.side
    pictures = {}
    for number in range(settings.pictures):
        prompt = settings.prompts[number % len(settings.prompts)].replace("{class}", arguments.subject_class)
        pictures[f"prior-{number:04d}"] = rendering.Picture(
            prompt, number, side, side, drawing.sampling_steps, drawing.guidance
        )
    key = {"model": model.digest, "device": compute.device, "threads": compute.training_threads, "adapter": ""}
    key["code"] = code_version(*rendering.MODULES, *code_modules(module))
    cache = Cache(arguments.cache / "pictures")
    files, computed = rendering.remember_pictures(cache, key, pictures, lambda: load(module, model, compute))
    rows = []
    for name, path in files.items():
        link_or_copy(path, arguments.pictures / f"{name}.png")
        picture = pictures[name]
        size = {"width": picture.width, "height": picture.height}
        about = {"picture": name, "prompt": picture.prompt, "seed": picture.seed, "file": f"{name}.png"}
        rows.append({**about, **size, "sha256": sha256_file(path)})
    write_table(arguments.table, COLUMNS, rows)
    print(f"render_prior: pictures {len(rows)}/{settings.pictures}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
