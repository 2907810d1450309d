"""What a training will really use, counted before any weights load."""

from darkroom.config.training import PriorSettings, TrainingSettings, share_of_prior
from darkroom.errors import UserError
from darkroom.training.encodings import Encoding, Encodings


def check_training(encodings: Encodings, settings: TrainingSettings, prior: PriorSettings) -> str:
    """One line of what is used. UserError where something needed is not there."""
    frames = encodings.of("frame", "train")
    if not frames:
        raise UserError("the dataset holds no frame to train on; look at selection.csv for the reasons")
    without_latents = [row.name for row in frames if not _has_latents(row, encodings)]
    if without_latents:
        raise UserError(
            f"frame {without_latents[0]}: it has no latents that are numbers; delete {encodings.folder} and run "
            "again, or give another base model"
        )
    without_text = [row.name for row in frames if not row.text]
    if without_text:
        raise UserError(f"frame {without_text[0]}: it has no caption; look at captions.csv")
    captioned = sum(row.text != encodings.empty.text for row in frames)
    if captioned == 0:
        raise UserError("every caption of the dataset is empty; look at captions.csv")
    if settings.batch > len(frames):
        raise UserError(
            f"training.batch: {settings.batch} frames per step, but the dataset has {len(frames)} to train on; "
            f"set it to {len(frames)} or fewer"
        )
    if settings.flip and not all(row.mirrored for row in frames):
        raise UserError(
            "training.flip is on, but the encodings hold no mirrored frames; run encode_dataset with --mirror"
        )
    if settings.text_encoder is not None and "spoken" not in encodings.tensors(encodings.empty.text):
        raise UserError(
            "training.text_encoder is on, but the encodings hold no tokens; run encode_dataset with --tokens"
        )
    priors = encodings.of("prior", "train")
    if share_of_prior(settings, prior) > 0 and not priors:
        raise UserError("prior.weight is above 0, but there are no prior pictures; raise prior.pictures to 4 or more")
    masks = sum(_weighs(row, encodings) for row in frames) if settings.masked_loss else 0
    empty = [row.name for row in frames if row.mask and encodings.mask_of(row) is None] if settings.masked_loss else []
    without = f" (without a subject, so not used: {len(empty)}, such as that of frame {empty[0]})" if empty else ""
    total = len(frames)
    buckets = len({(row.width, row.height) for row in frames})
    used_priors = len(priors) if share_of_prior(settings, prior) > 0 else 0
    return (
        f"frames {total}/{total}, captions {captioned}/{total}, masks {masks}/{total}{without}, "
        f"prior {used_priors}, buckets {buckets}, held out {len(encodings.of('frame', 'held_out'))}, "
        f"steps {settings.steps} of {settings.batch} frames"
    )


def _has_latents(frame: Encoding, encodings: Encodings) -> bool:
    """Whether a frame's picture is there, as numbers: a VAE whose numbers overflow makes none."""
    return bool(frame.latents) and bool(encodings.tensors(frame.latents)["latents"].isfinite().all())


def _weighs(frame: Encoding, encodings: Encodings) -> bool:
    """Whether a frame has a mask that weighs any cell less: a photo whose mask is not trusted has a white one."""
    mask = encodings.mask_of(frame)
    return mask is not None and bool((mask < 1).any())
