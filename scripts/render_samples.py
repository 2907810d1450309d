"""Render the evaluation's prompts with a checkpoint at every strength, or with the base model."""

import functools
import shutil
from pathlib import Path
from typing import Any

from darkroom.config.base import ComputeSettings
from darkroom.config.captions import SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.contracts.checkpoint_files import BASE, Variant, checkpoint_file, strengths_of
from darkroom.evaluation.sample_plan import plan_samples, sample_file
from darkroom.families.base import code_modules, family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.jobs.device import prepare_device
from darkroom.models.lock import read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.files import link_or_copy, sha256_file
from darkroom.storage.tables import write_table
from darkroom.training import rendering

COLUMNS = ("step", "strength", "number", "seed", "control", "prompt", "file", "sha256")


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--checkpoints", type=Path, nargs="?", help="folder of a run's checkpoints; none: the base model"
    )
    parser.add_argument("--step", type=int, nargs="?", help="of the checkpoint")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--subject", required=True, help="SubjectSettings as JSON")
    parser.add_argument("--settings", required=True, help="EvaluationSettings as JSON")
    parser.add_argument("--render", required=True, help="RenderSettings as JSON")
    parser.add_argument("--side", type=int, required=True, help="width and height in pixels")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--samples", type=Path, required=True, help="folder of pictures, to write")
    parser.add_argument("--table", type=Path, required=True, help="a row per picture, to write")
    arguments = parser.parse_args()
    settings = EvaluationSettings.from_argument(arguments.settings)
    subject = SubjectSettings.from_argument(arguments.subject)
    drawing = RenderSettings.from_argument(arguments.render)
    compute = ComputeSettings.from_argument(arguments.compute)
    model, module = read_lock(arguments.model), family(arguments.family)
    plan = plan_samples(settings, subject, drawing, arguments.side)

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
    if arguments.checkpoints is not None:
        compared = strengths_of(checkpoint_file(arguments.checkpoints, arguments.step), settings.strengths)
    for variant in compared:
        adapter = "" if variant.checkpoint is None else f"{sha256_file(variant.checkpoint)} {variant.strength}"
        pictures = {sample_file(variant.step, variant.strength, sample): sample.picture for sample in plan}
        files, computed = rendering.remember_pictures(
            Cache(arguments.cache / "pictures"),
            {**key, "adapter": adapter},
            pictures,
            functools.partial(adapted, variant),
        )
        rendered += computed
        for sample in plan:
            name = sample_file(variant.step, variant.strength, sample)
            link_or_copy(files[name], arguments.samples / name)
            about = {"step": variant.step, "strength": variant.strength, "number": sample.number}
            drawn = {"seed": sample.picture.seed, "control": sample.control, "prompt": sample.picture.prompt}
            rows.append({**about, **drawn, "file": name, "sha256": sha256_file(files[name])})
    write_table(arguments.table, COLUMNS, rows, keep_order=True)
    print(f"render_samples: pictures {len(rows)}/{len(rows)}, computed {rendered}")


if __name__ == "__main__":
    run_command(main)
