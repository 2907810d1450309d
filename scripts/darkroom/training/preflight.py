"""What a training will really use, counted before any weights load."""

from darkroom.errors import UserError
from darkroom.training.encodings import Encodings
from darkroom.training.settings import PriorSettings, TrainingSettings


def check_training(encodings: Encodings, settings: TrainingSettings, prior: PriorSettings) -> str:
    """One line of what is used. UserError where something needed is not there."""
    frames = encodings.of("frame", "train")
    if not frames:
        raise UserError("the dataset holds no frame to train on; look at selection.csv for the reasons")
    without_text = [row.name for row in frames if not row.text]
    if without_text:
        raise UserError(f"frame {without_text[0]}: it has no caption; look at captions.csv")
    if settings.flip and not all(row.mirrored for row in frames):
        raise UserError(
            "training.flip is on, but the encodings hold no mirrored frames; run encode_dataset with --mirror"
        )
    priors = encodings.of("prior", "train")
    if prior.weight > 0 and settings.prior_share > 0 and not priors:
        raise UserError("prior.weight is above 0, but there are no prior pictures; raise prior.pictures to 4 or more")
    masks = sum(1 for row in frames if row.mask) if settings.masked_loss else 0
    total = len(frames)
    buckets = len({(row.width, row.height) for row in frames})
    used_priors = len(priors) if prior.weight > 0 and settings.prior_share > 0 else 0
    return (
        f"frames {total}/{total}, captions {total}/{total}, masks {masks}/{total}, prior {used_priors}, "
        f"buckets {buckets}, held out {len(encodings.of('frame', 'held_out'))}, "
        f"steps {settings.steps} of {settings.batch} frames"
    )
