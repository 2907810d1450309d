"""Which frames a target gets: photos and closer views at every resolution, and the crop of each or why it has none."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from darkroom.config.framing import CropSettings
from darkroom.contracts.frame_names import frame_name
from darkroom.contracts.overrides import Box, Override
from darkroom.contracts.selection_table import Verdict
from darkroom.framing.buckets import Crop, Region, View, choose_crops, whole_pixels
from darkroom.framing.mask_measures import SUBJECT
from darkroom.framing.tables import MaskRow
from darkroom.photo_folder.photo_table import PhotoFile

# How much of the subject's box, from its top, a closer view is made around.
SHARES = {"full": 1.0, "half": 0.5, "head": 0.25}
# What is shown around that part on each side, as a share of the part's own side.
AROUND = 0.25
# A view of a larger share of the photo is no closer view.
CLOSER = 0.7
MaskOf = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class PlannedFrame:
    """A frame of a photo: its status (`ok`, `too_small` or `no_view`), its crop where `ok`, and what is to be said."""

    frame: str
    photo: str
    split: str
    status: str
    crop: Crop | None
    reason: str
    mask_used: bool


@dataclass(frozen=True)
class _Wanted:
    frame: str
    selected: Verdict
    view: View | None
    reason: str = ""


def subject_box(mask: MaskRow, override: Override | None, mask_used: bool = True) -> Box | None:
    """The subject's box in opened pixels: the user's, else the mask's, None where it is not found or not trusted."""
    if override is not None and override.box is not None:
        return override.box
    return mask.box if mask_used else None


def closer_view(frame: str, kind: str, whole: View, mask: np.ndarray) -> View | str:
    """The view around the upper part of the subject's box, or why there is none.

    `mask` (height, width) of the photo, 0 to 255, tells how wide the subject is in that part.
    """
    if whole.box is None:
        return "the subject's box is not known"
    x0, y0, x1, y1 = whole.box
    part = mask[y0 : max(y0 + 1, round(y0 + (y1 - y0) * SHARES[kind])), x0:x1] >= SUBJECT
    columns = np.flatnonzero(part.any(axis=0))
    left, right = (x0 + int(columns[0]), x0 + int(columns[-1]) + 1) if len(columns) else (x0, x1)
    box = left, y0, right, y0 + len(part)
    wide, high = AROUND * (right - left), AROUND * len(part)
    region = whole_pixels((left - wide, y0 - high, right + wide, box[3] + high), whole.region)
    view = View(frame, region, box)
    if view.size[0] * view.size[1] > CLOSER * whole.size[0] * whole.size[1]:
        return "the subject fills the photo: it is no closer view"
    return view


def _views(
    selected: Verdict,
    photo: PhotoFile,
    mask: MaskRow,
    override: Override | None,
    kinds: Iterable[str],
    load: MaskOf,
) -> list[_Wanted]:
    """The views of one photo, itself first."""
    region: Region = (0, 0, *photo.size)
    box = subject_box(mask, override, mask_used=not selected.mask_problem)
    name = selected.photo
    whole = View(name, region, None if box is None else whole_pixels(box, region))
    found = [_Wanted(name, selected, whole)]
    for kind in kinds:
        closer = closer_view(f"{name}-{kind}", kind, whole, load(name))
        view, reason = (closer, "") if isinstance(closer, View) else (None, closer)
        found.append(_Wanted(f"{name}-{kind}", selected, view, reason))
    return found


def plan_frames(
    selection: Mapping[str, Verdict],
    photos: Mapping[str, PhotoFile],
    masks: Mapping[str, MaskRow],
    overrides: Mapping[str, Override],
    settings: CropSettings,
    batch: int,
    load_mask: MaskOf,
) -> list[PlannedFrame]:
    """The frames of the selected photos, sorted by name.

    `selection` holds the selected photos, `load_mask` gives a photo's mask and is called for closer views
    only. Frames to train on are assigned to buckets together, in batches; held-out ones, which no batch holds, each to
    its own best. Each resolution is planned alone: a photo too small for one may have a frame of another.
    """
    kinds = list(dict.fromkeys(settings.variants))
    wanted = [
        view
        for name, selected in selection.items()
        for view in _views(selected, photos[name], masks[name], overrides.get(name), kinds, load_mask)
    ]
    plans = []
    for resolution in settings.resolutions:
        named = [_at(item, None if resolution == settings.image_size else resolution) for item in wanted]
        plans += _plan_resolution(named, settings.at(resolution), batch)
    return sorted(plans, key=lambda plan: plan.frame)


def _at(wanted: _Wanted, resolution: int | None) -> _Wanted:
    """The same view as a frame of a resolution."""
    frame = frame_name(wanted.frame, resolution)
    return replace(wanted, frame=frame, view=wanted.view and replace(wanted.view, frame=frame))


def _plan_resolution(wanted: Sequence[_Wanted], settings: CropSettings, batch: int) -> list[PlannedFrame]:
    by_split: dict[str, list[View]] = defaultdict(list)
    for item in wanted:
        if item.view is not None:
            by_split[item.selected.split].append(item.view)
    crops: dict[str, Crop] = {}
    for split, views in by_split.items():
        crops |= choose_crops(views, settings, batch if split == "train" else 1)
    return [_planned(item, crops.get(item.frame), settings) for item in wanted]


def _planned(wanted: _Wanted, crop: Crop | None, settings: CropSettings) -> PlannedFrame:
    selected = wanted.selected
    problem = selected.mask_problem
    status, reason = "no_view", wanted.reason
    if crop is None and wanted.view is not None:
        width, height = wanted.view.size
        status = "too_small"
        reason = f"{width} x {height} pixels fill no bucket of {settings.image_size} without enlarging"
    if crop is not None:
        notes = [f"mask not used: {problem}"] if problem else []
        notes += [f"{crop.cut} pixels of the subject's box lie outside"] if crop.cut else []
        status, reason = "ok", "; ".join(notes)
    return PlannedFrame(wanted.frame, selected.photo, selected.split, status, crop, reason, not problem)


def count_batches(plans: Sequence[PlannedFrame], batch: int) -> str:
    """How full batches are and what is lost, such as `5 batches of 4, 2 left over; crop loss 2.1 %; boxes cut 0`."""
    cut = [plan.crop for plan in plans if plan.crop is not None]
    buckets = Counter(plan.crop.bucket for plan in plans if plan.crop is not None and plan.split == "train")
    full = sum(count // batch for count in buckets.values())
    left = sum(count % batch for count in buckets.values())
    loss = sum(crop.loss for crop in cut) / max(1, len(cut))
    boxes = sum(1 for crop in cut if crop.cut)
    return f"{full} batches of {batch}, {left} left over; crop loss {loss:.1%}; boxes cut {boxes}".replace("%", " %")
