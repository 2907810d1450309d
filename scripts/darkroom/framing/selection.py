"""All verdicts in one place: which photos are good enough, which of several copies stays, and what is held out."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from darkroom.config.framing import SelectionSettings
from darkroom.contracts.overrides import Override
from darkroom.contracts.selection_table import Verdict
from darkroom.errors import UserError
from darkroom.framing.best_photos import best_photos
from darkroom.framing.flaws import Candidate, flaw
from darkroom.framing.mask_verdict import mask_problem
from darkroom.photo_folder.photo_table import PhotoFile

DROPPED = "dropped by you"
KEPT = "kept by you"
# From so many selected photos on, at least one is held out.
ENOUGH_TO_HOLD_OUT = 8

# From the names of n photos to how alike they are, (n, n), from 0 to 1.
Alike = Callable[[Sequence[str]], np.ndarray]


def _reject_copies(found: Mapping[str, Candidate], reasons: dict[str, str], forced: set[str]) -> None:
    """Reject the copies of a picture.

    Where the original has a flaw, the largest good copy stands in for it: a crop around a subject that was not found,
    the photo from which a blurred enlargement was made. Not where the user has dropped the original.
    """
    copies: dict[str, list[str]] = defaultdict(list)
    for name, candidate in found.items():
        if candidate.relation.kind not in ("", "burst"):
            copies[candidate.relation.of].append(name)
    for original, names in copies.items():
        stays = original
        good = [name for name in names if not reasons[name] or name in forced]
        if reasons[original] and reasons[original] != DROPPED and good:
            stays = min(good, key=lambda name: (name not in forced, -_pixels(found[name]), name))
        for name in names:
            if name != stays and name not in forced and reasons[name] != DROPPED:
                reasons[name] = f"duplicate of {found[stays].path} ({found[name].relation.kind})"


def _pixels(candidate: Candidate) -> int:
    width, height = candidate.photo.size
    return width * height


def _thin_bursts(
    found: Mapping[str, Candidate], reasons: dict[str, str], forced: set[str], settings: SelectionSettings
) -> None:
    """Keep the sharpest good photos of each burst."""
    if settings.keep_per_burst == 0:
        return
    bursts: dict[str, list[str]] = defaultdict(list)
    for name, candidate in found.items():
        if candidate.relation.kind == "burst":
            bursts[candidate.relation.of].append(name)
    for first, others in bursts.items():
        good = [name for name in [first, *others] if not reasons[name]]
        good.sort(key=lambda name: (name not in forced, -found[name].quality.sharpness, name))
        kept = good[: settings.keep_per_burst]
        for name in {first, *others} - set(kept) if kept else ():
            if name not in forced and reasons[name] != DROPPED:
                reasons[name] = f"burst: {found[good[0]].path} of the same burst is kept"


def _keep_best(
    found: Mapping[str, Candidate], reasons: dict[str, str], forced: set[str], settings: SelectionSettings, alike: Alike
) -> None:
    """Of the good photos keep `count`, each of them good and together like all the others; forced ones are first."""
    # In the order of their bytes, so that neither names nor the order of files decide between equals.
    good = sorted(name for name, reason in reasons.items() if not reason)
    if settings.count is None or len(good) <= settings.count:
        return
    similarity = alike(good)
    quality = np.array([worth(found[name]) for name in good])
    # Both sums as means, so that the weight means the same for every number of photos.
    weight = settings.quality_weight * len(good) / settings.count
    groups = [found[name].relation.group or name for name in good]
    first = [number for number, name in enumerate(good) if name in forced]
    chosen = sorted(best_photos(similarity, quality, weight, settings.count, groups, first))
    for number in sorted(set(range(len(good))) - set(chosen)):
        nearest = good[chosen[int(similarity[number, chosen].argmax())]]
        reasons[good[number]] = f"not among the best {settings.count}: like {found[nearest].path}, which is kept"


def worth(candidate: Candidate) -> float:
    """How good a photo is, from 0 to 1, where more are good enough than wanted: sharpness times exposure."""
    return candidate.quality.sharpness * candidate.quality.exposure


def hold_out(groups: Mapping[str, str], share: float) -> set[str]:
    """Choose the photos kept aside for validation: `groups` gives the group of each selected photo.

    Groups are taken whole, in the order of their hash, until the share is reached; at least one photo from
    ENOUGH_TO_HOLD_OUT on, and never all of them.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for photo, group in groups.items():
        members[group].append(photo)
    wanted = round(share * len(groups))
    if share > 0 and len(groups) >= ENOUGH_TO_HOLD_OUT:
        wanted = max(1, wanted)
    held: set[str] = set()
    for group in sorted(members, key=lambda group: hashlib.sha256(f"held_out {group}".encode()).hexdigest()):
        if len(held) + len(members[group]) <= min(wanted, len(groups) - 1):
            held |= set(members[group])
    return held


def select_photos(
    found: Mapping[str, Candidate], settings: SelectionSettings, overrides: Mapping[str, Override], alike: Alike
) -> list[Verdict]:
    """The rows of selection.csv: a verdict with its reason for every readable photo. Overrides win.

    `alike` is asked only where more photos are good than `settings.count`.

    Raises UserError where no photo is selected, with the counts by reason.
    """
    reasons = {name: flaw(candidate, settings) for name, candidate in sorted(found.items())}
    reasons |= {name: DROPPED for name, override in overrides.items() if override.keep is False and name in found}
    forced = {name for name, override in overrides.items() if override.keep is True and name in found}
    for name in forced:
        reasons[name] = ""
    _reject_copies(found, reasons, forced)
    _thin_bursts(found, reasons, forced, settings)
    _keep_best(found, reasons, forced, settings, alike)
    selected = [name for name, reason in reasons.items() if not reason]
    if not selected:
        raise UserError(
            f"selection: no photo was selected of {len(found)} ({count_reasons(reasons.values())}); "
            "loosen the thresholds under `selection`, or keep photos by `overrides`"
        )
    held = hold_out({name: found[name].relation.group or name for name in selected}, settings.held_out)
    return [
        Verdict(
            photo=name,
            selected=not reason,
            reason=reason or (KEPT if name in forced else ""),
            split="" if reason else "held_out" if name in held else "train",
            path=found[name].path,
            sharpness=found[name].quality.sharpness,
            exposure=found[name].quality.exposure,
            coverage=found[name].mask.coverage,
            mask_problem=mask_problem(found[name].mask, settings),
        )
        for name, reason in reasons.items()
    ]


def count_reasons(reasons: Iterable[str]) -> str:
    """How often each kind of reason occurs, such as `blurred 3, duplicate 2`."""
    heads = Counter(reason.partition(":")[0].partition(" of ")[0] for reason in reasons if reason)
    return ", ".join(f"{head} {heads[head]}" for head in sorted(heads)) or "no reasons"


def require_photos(files: Sequence[PhotoFile], folder: str) -> None:
    """Raise UserError where not one file of the folder could be opened as a photo."""
    counts = Counter(file.status for file in files)
    if not counts["ok"]:
        found = ", ".join(f"{status} {counts[status]}" for status in sorted(counts))
        raise UserError(
            f"photos: none of the {len(files)} files in {folder} is a readable photo ({found}); "
            "photos.csv gives the reason for each"
        )
