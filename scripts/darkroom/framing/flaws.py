"""What makes a photo not good enough in itself, in words, by the thresholds of `selection`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.config.framing import SelectionSettings
from darkroom.contracts.duplicate_table import Relation
from darkroom.framing.tables import AestheticRow, MaskRow, QualityRow
from darkroom.photo_folder.photo_table import PhotoFile

NO_SUBJECT = "no subject found"


@dataclass(frozen=True)
class Candidate:
    """A photo with everything that is known about it: its rows of all tables, and how much it is liked, if measured."""

    photo: PhotoFile
    mask: MaskRow
    quality: QualityRow
    relation: Relation
    aesthetic: float | None = None

    @property
    def name(self) -> str:
        return self.photo.photo

    @property
    def path(self) -> str:
        return self.photo.path


def candidates(
    photos: Mapping[str, PhotoFile],
    masks: Mapping[str, MaskRow],
    quality: Mapping[str, QualityRow],
    relations: Mapping[str, Relation],
    liked: Mapping[str, AestheticRow] | None,
) -> dict[str, Candidate]:
    """The readable photos with their rows of the other tables, all by photo; `liked` where that was measured."""
    return {
        name: Candidate(photo, masks[name], quality[name], relations[name], liked[name].aesthetic if liked else None)
        for name, photo in photos.items()
    }


def flaw(candidate: Candidate, settings: SelectionSettings) -> str:
    """Why a photo is not good enough in itself, in words; empty where it is."""
    return _framed_badly(candidate, settings) or _defect(candidate, settings)


def _framed_badly(candidate: Candidate, settings: SelectionSettings) -> str:
    """What is wrong with the size of the photo and of its subject, and with its light, which hides a subject."""
    width, height = candidate.photo.size
    quality, coverage = candidate.quality, candidate.mask.coverage
    if min(width, height) < settings.min_side:
        return f"too small: {width} x {height}, a side is below {settings.min_side}"
    if quality.exposure < settings.min_exposure:
        if quality.brightness == quality.exposure:
            return f"too dark: brightness {quality.brightness:.2f} is below {settings.min_exposure:g}"
        return f"overexposed: unclipped {quality.unclipped:.2f} is below {settings.min_exposure:g}"
    if candidate.mask.box is None or coverage < settings.min_coverage:
        return f"{NO_SUBJECT}: coverage {coverage:.3f} is below {settings.min_coverage:g}"
    if coverage > settings.max_coverage:
        return f"subject fills the photo: coverage {coverage:.3f} is above {settings.max_coverage:g}"
    if quality.subject_side < settings.min_subject_side:
        side = quality.subject_side
        return f"subject too small: {side:.0f} x {side:.0f} pixels, a side is below {settings.min_subject_side}"
    return ""


def _defect(candidate: Candidate, settings: SelectionSettings) -> str:
    """The first score that is below its threshold; a score that could not be measured is below none."""
    scores = candidate.quality
    for words, name, score, least in (
        ("blurred", "sharpness", scores.sharpness, settings.min_sharpness),
        ("noisy", "noise", scores.noise, settings.min_noise),
        ("compressed", "compression", scores.compression, settings.min_compression),
        ("blocks of compression", "unblocked", scores.unblocked, settings.min_unblocked),
        ("bars or a border", "filled", scores.filled, settings.min_filled),
        ("little liked", "aesthetic", candidate.aesthetic, settings.min_aesthetic),
    ):
        if least is not None and score is not None and score < least:
            return f"{words}: {name} {_rounded_down(score):.2f} is below {least:g}"
    return ""


def _rounded_down(score: float) -> float:
    """To two places, so that what is below a threshold is seen to be."""
    return math.floor(round(100 * score, 6)) / 100
