"""Score every checkpoint: likeness and prompt following of its samples, losses on held-out frames and other things."""

import functools
from pathlib import Path

from PIL import Image

from darkroom.config.base import ComputeSettings
from darkroom.config.captions import SubjectSettings
from darkroom.config.training import TrainingSettings, ValidationSettings
from darkroom.contracts.checkpoint_files import variants
from darkroom.contracts.frame_names import one_per_view
from darkroom.errors import UserError
from darkroom.evaluation import picture_scores
from darkroom.families.base import family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.jobs.device import dtype_of, prepare_device
from darkroom.models.clip_vectors import ClipVectors, Vectors
from darkroom.models.lock import read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.files import sha256_file
from darkroom.storage.tables import Row, read_table, write_table
from darkroom.training.encodings import Encodings, read_encodings


def open_rgb(file: Path) -> Image.Image:
    """The picture of a file, in RGB."""
    with Image.open(file) as picture:
        return picture.convert("RGB")


def photos_to_judge_by(encodings: Encodings, settings: ValidationSettings, images: Path) -> dict[str, Path]:
    """The frames that likeness compares with, by sha256: those whose loss is judged, each view once.

    UserError where one is missing.
    """
    from darkroom.training.validation_loss import judged_frames

    judged = one_per_view(frame.name for frame in judged_frames(encodings, settings)[1])
    files = [images / f"{frame}.png" for frame in judged]
    for file in files:
        if not file.exists():
            raise UserError(f"{file}: this frame is gone; delete {images} and run again")
    return {sha256_file(file): file for file in files}


def score_samples(
    samples: list[Row], vectors: tuple[Vectors, Vectors], photos: dict[str, Path]
) -> list[dict[str, object]]:
    """The rows of sample_scores.csv."""
    pictures, texts = vectors
    return picture_scores.score_pictures(samples, pictures, texts, [pictures[sha256] for sha256 in photos])


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--samples", type=Path, required=True, help="samples.csv, beside the folder samples/")
    parser.add_argument("--encodings", type=Path, required=True, help="encodings.csv, beside the folder encodings/")
    parser.add_argument("--images", type=Path, required=True, help="folder of the dataset's pictures")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--clip", type=Path, required=True, help="lock file of the CLIP model")
    parser.add_argument("--subject", required=True, help="SubjectSettings as JSON")
    parser.add_argument("--strengths", type=float, nargs="+", required=True, help="LoRA strengths to score")
    parser.add_argument("--training", required=True, help="TrainingSettings as JSON")
    parser.add_argument("--validation", required=True, help="ValidationSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True, help="sample_scores.csv, to write")
    parser.add_argument("--table", type=Path, required=True, help="scores.csv, to write")
    arguments = parser.parse_args()
    compute = ComputeSettings.from_argument(arguments.compute)
    subject = SubjectSettings.from_argument(arguments.subject)
    training = TrainingSettings.from_argument(arguments.training)
    validation = ValidationSettings.from_argument(arguments.validation)
    model, module, clip = read_lock(arguments.model), family(arguments.family), read_lock(arguments.clip)
    encodings = read_encodings(arguments.encodings, arguments.encodings.with_suffix(""))

    samples, folder = read_table(arguments.samples), arguments.samples.with_suffix("")
    photos = photos_to_judge_by(encodings, validation, arguments.images)
    files = {row["sha256"]: folder / row["file"] for row in samples} | photos
    prompts = {row["prompt"] for row in samples}
    texts = {text: picture_scores.plain_prompt(text, subject.trigger, subject.subject_class) for text in prompts}
    memory = Cache(arguments.cache / "clip")
    vectors = ClipVectors(clip, compute.device, compute.training_threads, memory, "evaluation.clip")
    seen = vectors.of_pictures({sha256: functools.partial(open_rgb, file) for sha256, file in files.items()})
    pictures = score_samples(samples, (seen, vectors.of_texts(texts)), photos)

    from darkroom.evaluation.loss_change import measure_loss_changes
    from darkroom.evaluation.scores import COLUMNS, score_rows
    from darkroom.training.hearing import Hearing
    from darkroom.training.validation_loss import Judge

    precision = dtype_of(training.precision)
    device = prepare_device(compute.device, compute.training_threads)
    encoders = module.load_text_encoders(model.path, device) if training.text_encoder is not None else None
    hearing = Hearing(module, encoders)
    judge = Judge(module, module.load_schedule(model.path), encodings, validation, device, hearing)
    denoiser = module.load_denoiser(model.path, precision).to(device).eval()
    compared = variants(arguments.checkpoints, arguments.strengths)
    changes = measure_loss_changes(denoiser, module, judge, compared, precision)
    write_table(arguments.pictures, picture_scores.COLUMNS, pictures, keep_order=True)
    write_table(arguments.table, COLUMNS, score_rows(changes, pictures), keep_order=True)
    print(
        f"score_checkpoints: checkpoints and strengths {len(compared)}/{len(compared)} and the base, "
        f"pictures {len(pictures)}/{len(samples)}, photos {len(photos)}, computed {vectors.computed}"
    )


if __name__ == "__main__":
    run_command(main)
