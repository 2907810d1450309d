"""Score every checkpoint: likeness on held-out frames, prompt following, and harm to other things."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from darkroom.cache import Cache, cache_key, code_version, remember
from darkroom.captions import florence
from darkroom.captions.settings import CaptionerSettings, SubjectSettings
from darkroom.command import run_command, stage_parser
from darkroom.evaluation.checkpoints import variants
from darkroom.evaluation.likeness import measure_likeness
from darkroom.evaluation.scores import COLUMNS, score_rows
from darkroom.evaluation.settings import EvaluationSettings
from darkroom.families import family
from darkroom.model_lock import read_lock
from darkroom.progress import progress
from darkroom.settings import ComputeSettings
from darkroom.tables import read_table, write_table
from darkroom.training.device import PRECISIONS, prepare_device
from darkroom.training.encodings import read_encodings
from darkroom.training.paired_loss import Judge
from darkroom.training.settings import TrainingSettings, ValidationSettings


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--samples", type=Path, required=True, help="samples.csv, beside the folder samples/")
    parser.add_argument("--encodings", type=Path, required=True, help="encodings.csv, beside the folder encodings/")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--captioner", type=Path, required=True, help="lock file of the captioner")
    parser.add_argument("--captioner-settings", required=True, help="CaptionerSettings as JSON")
    parser.add_argument("--subject", required=True, help="SubjectSettings as JSON")
    parser.add_argument("--settings", required=True, help="EvaluationSettings as JSON")
    parser.add_argument("--training", required=True, help="TrainingSettings as JSON")
    parser.add_argument("--validation", required=True, help="ValidationSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True, help="scores.csv, to write")
    arguments = parser.parse_args()
    settings = EvaluationSettings.from_argument(arguments.settings)
    compute = ComputeSettings.from_argument(arguments.compute)
    subject = SubjectSettings.from_argument(arguments.subject)
    precision = PRECISIONS[TrainingSettings.from_argument(arguments.training).precision]
    model, module, captioner = read_lock(arguments.model), family(arguments.family), read_lock(arguments.captioner)

    device = prepare_device(compute)
    encodings = read_encodings(arguments.encodings, arguments.encodings.with_suffix(""))
    validation = ValidationSettings.from_argument(arguments.validation)
    judge = Judge(module, module.load_schedule(model.path), encodings, validation, device)
    denoiser = module.load_denoiser(model.path, precision).to(device).eval()
    compared = variants(arguments.checkpoints, settings.strengths)
    likeness = measure_likeness(denoiser, module, judge, compared, precision)
    del denoiser

    samples = read_table(arguments.samples)
    folder = arguments.samples.with_suffix("")
    asked = CaptionerSettings.from_argument(arguments.captioner_settings)
    pictures = {row["sha256"]: folder / row["file"] for row in samples}

    def describe(missing: list[str]) -> Iterator[tuple[str, str]]:
        describer = florence.load_captioner(captioner.path, asked, compute)
        for sha256 in progress(missing, "describe", "pictures"):
            with Image.open(pictures[sha256]) as picture:
                yield sha256, florence.describe(describer, [picture.convert("RGB")])[0]

    key = {
        "model": captioner.digest,
        "settings": asked.model_dump(exclude={"model", "revision"}),
        "device": compute.device,
        "threads": compute.inference_threads,
        "code": code_version(florence),
    }
    keys = {sha256: cache_key(**key, photo=sha256) for sha256 in pictures}
    descriptions, computed = remember(Cache(arguments.cache / "descriptions"), keys, describe)
    rows = score_rows(likeness, samples, descriptions, f"{subject.trigger} {subject.subject_class}")
    write_table(arguments.table, COLUMNS, rows, keep_order=True)
    print(
        f"score_checkpoints: checkpoints and strengths {len(compared)}/{len(compared)} and the base, "
        f"pictures {len(samples)}/{len(samples)}, computed {computed}"
    )


if __name__ == "__main__":
    run_command(main)
