"""All verdicts in one place: which photos are good enough, which of several copies stays, and what is held out."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from darkroom.errors import UserError
from darkroom.framing.settings import SelectionSettings
from darkroom.overrides import Override
from darkroom.tables import Row

COLUMNS = ("photo", "selected", "reason", "split", "path", "sharpness", "exposure", "coverage")
NO_SUBJECT = "no subject found"
DROPPED = "dropped by you"
KEPT = "kept by you"
# From so many selected photos on, at least one is held out.
ENOUGH_TO_HOLD_OUT = 8


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
    if float(quality["sharpness"]) < settings.min_sharpness:
        return f"blurred: sharpness {float(quality['sharpness']):.2f} is below {settings.min_sharpness:g}"
    return ""


def _reject_copies(found: Mapping[str, Candidate], reasons: dict[str, str], forced: set[str]) -> None:
    """Reject the copies of a picture.

    Where the original was rejected because no subject was found in it, the largest good copy (often a crop around the
    subject) stands in for it; all other flaws of the original are flaws of its copies too.
    """
    copies: dict[str, list[str]] = defaultdict(list)
    for name, candidate in found.items():
        if candidate.relation["kind"] not in ("", "burst"):
            copies[candidate.relation["of"]].append(name)
    for original, names in copies.items():
        stays = original
        good = [name for name in names if not reasons[name] or name in forced]
        if reasons[original].startswith(NO_SUBJECT) and good:
            stays = min(good, key=lambda name: (name not in forced, -_pixels(found[name]), name))
        for name in names:
            if name != stays and name not in forced and reasons[name] != DROPPED:
                reasons[name] = f"duplicate of {found[stays].path} ({found[name].relation['kind']})"


def _pixels(candidate: Candidate) -> int:
    return int(candidate.photo["width"]) * int(candidate.photo["height"])


def _thin_bursts(
    found: Mapping[str, Candidate], reasons: dict[str, str], forced: set[str], settings: SelectionSettings
) -> None:
    """Keep the sharpest good photos of each burst."""
    if settings.keep_per_burst == 0:
        return
    bursts: dict[str, list[str]] = defaultdict(list)
    for name, candidate in found.items():
        if candidate.relation["kind"] == "burst":
            bursts[candidate.relation["of"]].append(name)
    for first, others in bursts.items():
        good = [name for name in [first, *others] if not reasons[name]]
        good.sort(key=lambda name: (name not in forced, -float(found[name].quality["sharpness"]), name))
        kept = good[: settings.keep_per_burst]
        for name in {first, *others} - set(kept) if kept else ():
            if name not in forced and reasons[name] != DROPPED:
                reasons[name] = f"burst: {found[good[0]].path} of the same burst is kept"


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
    found: Mapping[str, Candidate], settings: SelectionSettings, overrides: Mapping[str, Override]
) -> list[dict[str, object]]:
    """The rows of selection.csv: a verdict with its reason for every readable photo. Overrides win.

    Raises UserError where no photo is selected, with the counts by reason.
    """
    reasons = {name: flaw(candidate, settings) for name, candidate in sorted(found.items())}
    reasons |= {name: DROPPED for name, override in overrides.items() if override.keep is False and name in found}
    forced = {name for name, override in overrides.items() if override.keep is True and name in found}
    for name in forced:
        reasons[name] = ""
    _reject_copies(found, reasons, forced)
    _thin_bursts(found, reasons, forced, settings)
    selected = [name for name, reason in reasons.items() if not reason]
    if not selected:
        raise UserError(
            f"selection: no photo was selected of {len(found)} ({count_reasons(reasons.values())}); "
            "loosen the thresholds under `selection`, or keep photos by `overrides`"
        )
    held = hold_out({name: found[name].relation["group"] or name for name in selected}, settings.held_out)
    return [
        {
            "photo": name,
            "selected": not reason,
            "reason": reason or (KEPT if name in forced else ""),
            "split": "" if reason else "held_out" if name in held else "train",
            "path": found[name].path,
            "sharpness": found[name].quality["sharpness"],
            "exposure": found[name].quality["exposure"],
            "coverage": found[name].mask["coverage"],
        }
        for name, reason in reasons.items()
    ]


def count_reasons(reasons: Iterable[str]) -> str:
    """How often each kind of reason occurs, such as `blurred 3, duplicate 2`."""
    heads = Counter(reason.partition(":")[0].partition(" of ")[0] for reason in reasons if reason)
    return ", ".join(f"{head} {heads[head]}" for head in sorted(heads)) or "no reasons"


def require_photos(photos: Sequence[Row], folder: str) -> None:
    """Raise UserError where not one file of the folder could be opened as a photo."""
    if not any(row["status"] == "ok" for row in photos):
        counts = Counter(row["status"] for row in photos)
        found = ", ".join(f"{status} {counts[status]}" for status in sorted(counts))
        raise UserError(
            f"photos: none of the {len(photos)} files in {folder} is a readable photo ({found}); "
            "photos.csv gives the reason for each"
        )
