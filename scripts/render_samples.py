"""Render the evaluation's prompts with a checkpoint at every strength, or with the base model."""

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from darkroom.config.base import ComputeSettings
from darkroom.config.captions import SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.contracts.checkpoint_files import BASE, Variant, checkpoint_file, strengths_of
from darkroom.contracts.rendered_tables import RenderedSample
from darkroom.errors import UserError
from darkroom.evaluation.sample_plan import plan_samples, sample_file
from darkroom.families.base import code_modules, family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.jobs.device import prepare_device
from darkroom.models.lock import read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.files import link_or_copy, sha256_file
from darkroom.storage.tables import write_rows
from darkroom.training import rendering


@dataclass(frozen=True)
class Arguments:
    model: Annotated[Path, "lock file of the base model"]
    family: str
    subject: SubjectSettings
    settings: EvaluationSettings
    render: RenderSettings
    image_size: Annotated[int, "width and height in pixels"]
    compute: ComputeSettings
    cache: Path
    samples: Annotated[Path, "folder of pictures, to write"]
    table: Annotated[Path, "a row per picture, to write"]
    checkpoints: Annotated[Path | None, "folder of a run's checkpoints; none: the base model"] = None
    step: Annotated[int | None, "of the checkpoint"] = None


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    subject = arguments.subject
    render_settings = arguments.render
    compute = arguments.compute
    model, module = read_lock(arguments.model), family(arguments.family)
    plan = plan_samples(settings, subject, render_settings, arguments.image_size)

    @functools.cache
    def pipeline() -> Any:
        return module.load_pipeline(model.path, prepare_device(compute.device, compute.training_threads))

    def adapted(variant: Variant) -> Any:
        return rendering.with_adapter(pipeline(), variant.checkpoint, variant.strength)

    key = {"model": model.digest, "device": compute.device, "threads": compute.training_threads}
    key["code"] = code_version(*rendering.MODULES, *code_modules(module))
    rows, rendered = [], 0
    shutil.rmtree(arguments.samples, ignore_errors=True)
    compared = [BASE]
    if (arguments.checkpoints is None) != (arguments.step is None):
        raise UserError("--checkpoints, --step: one needs the other; leave both out for the base model")
    if arguments.checkpoints is not None and arguments.step is not None:
        compared = strengths_of(checkpoint_file(arguments.checkpoints, arguments.step), settings.strengths)
    for variant in compared:
        adapter = "" if variant.checkpoint is None else f"{sha256_file(variant.checkpoint)} {variant.strength}"
        pictures = {sample_file(variant.step, variant.strength, sample): sample.picture for sample in plan}
        files, computed = rendering.cached_pictures(
            Cache(arguments.cache / "pictures"),
            {**key, "adapter": adapter},
            pictures,
            functools.partial(adapted, variant),
        )
        rendered += computed
        for sample in plan:
            name = sample_file(variant.step, variant.strength, sample)
            link_or_copy(files[name], arguments.samples / name)
            rows.append(
                RenderedSample(
                    step=variant.step,
                    strength=variant.strength,
                    number=sample.number,
                    seed=sample.picture.seed,
                    control=sample.control,
                    prompt=sample.picture.prompt,
                    plain_prompt=sample.plain_prompt,
                    file=name,
                    sha256=sha256_file(files[name]),
                )
            )
    write_rows(arguments.table, RenderedSample, rows, keep_order=True)
    print(f"render_samples: pictures {len(rows)}/{len(rows)}, computed {rendered}")


if __name__ == "__main__":
    run_command(main)
