"""Render pictures of what the base model already shows, so that training can leave it alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from darkroom.config.base import ComputeSettings
from darkroom.config.evaluation import RenderSettings
from darkroom.config.training import PriorSettings
from darkroom.contracts.rendered_tables import PriorPicture
from darkroom.families.base import ModelFamily, code_modules, family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.jobs.device import prepare_device
from darkroom.models.lock import LockedModel, read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.files import link_or_copy, sha256_file
from darkroom.storage.tables import write_rows
from darkroom.training import rendering


@dataclass(frozen=True)
class Arguments:
    model: Annotated[Path, "lock file of the base model"]
    family: str
    subject_class: Annotated[str, "the common word for the subject"]
    settings: PriorSettings
    render: RenderSettings
    image_size: Annotated[int, "width and height in pixels"]
    compute: ComputeSettings
    cache: Path
    pictures: Annotated[Path, "folder of pictures, to write"]
    table: Annotated[Path, "prior.csv, to write"]


def load(module: ModelFamily, model: LockedModel, compute: ComputeSettings) -> Any:
    """Load the base model; called only where a picture is missing."""
    return module.load_pipeline(model.path, prepare_device(compute.device, compute.training_threads))


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    render_settings = arguments.render
    compute = arguments.compute
    model, module, image_size = read_lock(arguments.model), family(arguments.family), arguments.image_size
    pictures = {}
    for number in range(settings.pictures):
        prompt = settings.prompts[number % len(settings.prompts)].replace("{class}", arguments.subject_class)
        pictures[f"prior-{number:04d}"] = rendering.Picture(
            prompt, number, image_size, image_size, render_settings.sampling_steps, render_settings.guidance
        )
    key = {"model": model.digest, "device": compute.device, "threads": compute.training_threads, "adapter": ""}
    key["code"] = code_version(*rendering.MODULES, *code_modules(module))
    cache = Cache(arguments.cache / "pictures")
    files, computed = rendering.cached_pictures(cache, key, pictures, lambda: load(module, model, compute))
    rows = []
    for name, path in files.items():
        link_or_copy(path, arguments.pictures / f"{name}.png")
        picture = pictures[name]
        size = picture.width, picture.height
        rows.append(PriorPicture(name, picture.prompt, picture.seed, *size, f"{name}.png", sha256_file(path)))
    write_rows(arguments.table, PriorPicture, rows)
    print(f"render_prior: pictures {len(rows)}/{settings.pictures}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
