"""Score every checkpoint: likeness and prompt following of its samples, losses on held-out frames and other things."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from PIL import Image

from darkroom.config.base import ComputeSettings
from darkroom.config.training import TrainingSettings, ValidationSettings
from darkroom.contracts.checkpoint_files import variants
from darkroom.contracts.evaluation_tables import SampleScore, Score
from darkroom.contracts.frame_names import one_per_view
from darkroom.contracts.rendered_tables import RenderedSample, read_samples
from darkroom.errors import UserError
from darkroom.evaluation import picture_scores
from darkroom.families.base import family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.jobs.device import dtype_of, prepare_device
from darkroom.models.clip_vectors import ClipVectors, Vectors
from darkroom.models.lock import read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.files import sha256_file
from darkroom.storage.frames import frame_of
from darkroom.storage.tables import write_rows
from darkroom.training.encodings import Encodings, read_encodings


@dataclass(frozen=True)
class Arguments:
    checkpoints: Annotated[Path, "folder of checkpoints"]
    samples: Annotated[Path, "samples.csv, beside the folder samples/"]
    encodings: Annotated[Path, "encodings.csv, beside the folder encodings/"]
    images: Annotated[Path, "folder of the dataset's pictures"]
    model: Annotated[Path, "lock file of the base model"]
    family: str
    clip: Annotated[Path, "lock file of the CLIP model"]
    strengths: Annotated[list[float], "LoRA strengths to score"]
    training: TrainingSettings
    validation: ValidationSettings
    compute: ComputeSettings
    cache: Path
    pictures: Annotated[Path, "sample_scores.csv, to write"]
    table: Annotated[Path, "scores.csv, to write"]


def open_rgb(file: Path) -> Image.Image:
    """The picture of a file, in RGB."""
    with Image.open(file) as picture:
        return picture.convert("RGB")


def reference_photos(encodings: Encodings, settings: ValidationSettings, images: Path) -> dict[str, Path]:
    """The frames that likeness compares with, by sha256: those of the validation, each view once.

    UserError where one is missing.
    """
    from darkroom.training.validation_loss import validation_frames

    shown = one_per_view(frame.name for frame in validation_frames(encodings, settings)[1])
    files = [images / f"{frame}.png" for frame in shown]
    for file in files:
        if not file.exists():
            raise UserError(f"{file}: this frame is gone; delete {images} and run again")
    return {sha256_file(file): file for file in files}


def score_samples(
    samples: list[RenderedSample], vectors: tuple[Vectors, Vectors], photos: dict[str, Path]
) -> list[SampleScore]:
    """The rows of sample_scores.csv."""
    pictures, texts = vectors
    return picture_scores.score_pictures(samples, pictures, texts, [pictures[sha256] for sha256 in photos])


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    compute = arguments.compute
    training = arguments.training
    validation = arguments.validation
    model, module, clip = read_lock(arguments.model), family(arguments.family), read_lock(arguments.clip)
    encodings = read_encodings(arguments.encodings, arguments.encodings.with_suffix(""))

    samples, folder = read_samples(arguments.samples), arguments.samples.with_suffix("")
    photos = reference_photos(encodings, validation, arguments.images)
    files = {sample.sha256: folder / sample.file for sample in samples} | photos
    texts = {sample.plain_prompt: sample.plain_prompt for sample in samples}
    cache = Cache(arguments.cache / "clip")
    vectors = ClipVectors(clip, compute.device, compute.training_threads, cache, "evaluation.clip")
    seen = vectors.of_pictures({sha256: functools.partial(open_rgb, file) for sha256, file in files.items()})
    pictures = score_samples(samples, (seen, vectors.of_texts(texts)), photos)

    from darkroom.evaluation.loss_change import measure_loss_changes
    from darkroom.evaluation.scores import score_rows
    from darkroom.training.text_conditioning import TextConditioning
    from darkroom.training.validation_loss import ValidationContext

    precision = dtype_of(training.precision)
    device = prepare_device(compute.device, compute.training_threads)
    encoders = module.load_text_encoders(model.path, device) if training.text_encoder is not None else None
    conditioning = TextConditioning(module, encoders)
    context = ValidationContext(
        module, module.load_noise_scheduler(model.path), encodings, validation, device, conditioning
    )
    denoiser = module.load_denoiser(model.path, precision).to(device).eval()
    compared = variants(arguments.checkpoints, arguments.strengths)
    changes = measure_loss_changes(denoiser, module, context, compared, precision)
    write_rows(arguments.pictures, SampleScore, pictures, keep_order=True)
    rows = score_rows(changes, frame_of(pictures, SampleScore))
    write_rows(arguments.table, Score, rows, keep_order=True)
    print(
        f"score_checkpoints: checkpoints and strengths {len(compared)}/{len(compared)} and the base, "
        f"pictures {len(pictures)}/{len(samples)}, photos {len(photos)}, computed {vectors.computed}"
    )


if __name__ == "__main__":
    run_command(main)
