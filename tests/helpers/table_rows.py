"""Rows of tables as tests need them: good in every way, but for what is said to be different."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from darkroom.contracts.caption_tables import FrameCaption
from darkroom.contracts.duplicate_table import Relation
from darkroom.contracts.evaluation_tables import Score
from darkroom.contracts.rendered_tables import RenderedSample
from darkroom.contracts.selection_table import Verdict
from darkroom.contracts.training_tables import LoggedStep, Validation
from darkroom.framing.tables import MaskRow, QualityRow
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_file

MASK = MaskRow(
    **{"photo": "a", "coverage": 0.2, "x0": 10, "y0": 10, "x1": 90, "y1": 90, "pieces": 1, "largest": 1.0, "holes": 0},
    **{"border": 0.0, "certainty": 0.9, "expected": 0.97, "looks": 0.98, "agreement": None, "source": "u2netp"},
    sha256="m",
)
QUALITY = QualityRow(
    **{"photo": "a", "sharpness": 0.6, "exposure": 0.8, "brightness": 0.8, "unclipped": 1.0, "noise": 50.0},
    **{"compression": 0.9, "unblocked": 0.9, "filled": 1.0, "subject_side": 150.0},
)
VERDICT = Verdict("a", True, "", "train", "a.jpg", 0.6, 0.8, 0.2, "")
CAPTION = FrameCaption("a", "zxq dog on a rug", 5, "dog on a rug", "captioner", "a dog on a rug", "")
SCORE = Score(
    **{"step": 0, "strength": 0.0, "likeness": 0.2, "likeness_se": None, "prompt_following": 0.9},
    **dict.fromkeys(("prompt_following_se", "control_likeness", "control_likeness_se")),
    **dict.fromkeys(("control_following", "control_following_se")),
    **{"loss_fall": 0.3, "loss_fall_se": 0.01, "untriggered_fall": 0.0, "prior_rise": 0.1, "frames": 5},
    split="held_out",
)
SAMPLE = RenderedSample(0, 0.0, 1, 0, False, "zxq dog", "dog", "a.png", "s")


def photo_file(photo: str, **changes: Any) -> PhotoFile:
    """A readable photo of 400 x 300 pixels."""
    return replace(PhotoFile(f"{photo}.jpg", photo, photo, "ok", width=400, height=300, format="JPEG"), **changes)


def photo_on_disk(path: Path, **changes: Any) -> PhotoFile:
    """A readable photo as it lies in its folder, named by the hash of its bytes."""
    sha256 = sha256_file(path)
    return photo_file(changes.pop("photo", sha256[:16]), path=path.name, sha256=sha256, **changes)


def mask_row(photo: str = "a", **changes: Any) -> MaskRow:
    """A mask that nothing speaks against."""
    return replace(MASK, photo=photo, **changes)


def quality_row(photo: str = "a", **changes: Any) -> QualityRow:
    """Scores of a good photo."""
    return replace(QUALITY, photo=photo, **changes)


def relation(photo: str = "a", **changes: Any) -> Relation:
    """A photo without relatives."""
    return replace(Relation(photo, "", "", "", None, None), **changes)


def verdict(photo: str = "a", **changes: Any) -> Verdict:
    """A photo that is trained on."""
    return replace(VERDICT, photo=photo, path=changes.pop("path", f"{photo}.jpg"), **changes)


def frame_caption(frame: str = "a", caption: str = "zxq dog on a rug", **changes: Any) -> FrameCaption:
    """A caption by the captioner."""
    return replace(CAPTION, frame=frame, caption=caption, **changes)


def rendered_sample(**changes: Any) -> RenderedSample:
    """A picture by the base model."""
    return replace(SAMPLE, **changes)


def score(step: int, strength: float, **changes: Any) -> Score:
    """A variant without control prompts."""
    return replace(replace(SCORE, step=step, strength=strength), **changes)


def logged_step(step: int, loss: float, **changes: Any) -> LoggedStep:
    """A step without prior pictures."""
    return replace(LoggedStep(step, loss, None, 1e-3, 1.0, float(step)), **changes)


def validation(step: int, loss: float, **changes: Any) -> Validation:
    """A validation on two held-out frames, without prior pictures."""
    return replace(Validation(step, loss, 0.0, loss, None, 2, "held_out"), **changes)
