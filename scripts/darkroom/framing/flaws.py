"""What makes a photo not good enough in itself, in words, by the thresholds of `selection`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from darkroom.config.framing import SelectionSettings
from darkroom.storage.tables import Row

NO_SUBJECT = "no subject found"


@dataclass(frozen=True)
class Candidate:
    """A photo with everything that is known about it: its rows of photos, masks, quality and duplicates."""

    photo: Row
    mask: Row
    quality: Row
    relation: Row

    @property
    def name(self) -> str:
        return self.photo["photo"]

    @property
    def path(self) -> str:
        return self.photo["path"]


def candidates(photos: Iterable[Row], *tables: Iterable[Row]) -> dict[str, Candidate]:
    """Candidates by photo; `tables` are the rows of masks, quality and duplicates.

    Raises ValueError where a readable photo is missing in one of them: a stage before has left it out.
    """
    masks, quality, duplicates = ({row["photo"]: row for row in table} for table in tables)
    readable = {row["photo"]: row for row in photos if row["status"] == "ok"}
    missing = [name for name in readable if not (name in masks and name in quality and name in duplicates)]
    if missing:
        raise ValueError(f"{len(missing)} photos have no mask, score or group, {missing[0]} among them")
    return {name: Candidate(row, masks[name], quality[name], duplicates[name]) for name, row in readable.items()}


def flaw(candidate: Candidate, settings: SelectionSettings) -> str:
    """Why a photo is not good enough in itself, in words; empty where it is."""
    return _framed_badly(candidate, settings) or _defect(candidate.quality, settings)


def _framed_badly(candidate: Candidate, settings: SelectionSettings) -> str:
    """What is wrong with the size of the photo and of its subject, and with its light, which hides a subject."""
    width, height = int(candidate.photo["width"]), int(candidate.photo["height"])
    quality, coverage = candidate.quality, float(candidate.mask["coverage"])
    if min(width, height) < settings.min_side:
        return f"too small: {width} x {height}, a side is below {settings.min_side}"
    if float(quality["exposure"]) < settings.min_exposure:
        if quality["brightness"] == quality["exposure"]:
            return f"too dark: brightness {float(quality['brightness']):.2f} is below {settings.min_exposure:g}"
        return f"overexposed: unclipped {float(quality['unclipped']):.2f} is below {settings.min_exposure:g}"
    if not candidate.mask["x0"] or coverage < settings.min_coverage:
        return f"{NO_SUBJECT}: coverage {coverage:.3f} is below {settings.min_coverage:g}"
    if coverage > settings.max_coverage:
        return f"subject fills the photo: coverage {coverage:.3f} is above {settings.max_coverage:g}"
    if float(quality["subject_side"]) < settings.min_subject_side:
        side = float(quality["subject_side"])
        return f"subject too small: {side:.0f} x {side:.0f} pixels, a side is below {settings.min_subject_side}"
    return ""


def _defect(quality: Row, settings: SelectionSettings) -> str:
    """The first score that is below its threshold; a score that could not be measured is below none."""
    for words, score, least in (
        ("blurred", "sharpness", settings.min_sharpness),
        ("noisy", "noise", settings.min_noise),
        ("compressed", "compression", settings.min_compression),
        ("blocks of compression", "unblocked", settings.min_unblocked),
        ("bars or a border", "filled", settings.min_filled),
        ("little liked", "aesthetic", settings.min_aesthetic),
    ):
        if least is not None and quality.get(score) and float(quality[score]) < least:
            return f"{words}: {score} {_rounded_down(float(quality[score])):.2f} is below {least:g}"
    return ""


def _rounded_down(score: float) -> float:
    """To two places, so that what is below a threshold is seen to be."""
    return math.floor(round(100 * score, 6)) / 100
