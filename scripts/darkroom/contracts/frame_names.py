"""What a frame is, and how it is named.

A frame is what a target trains on: a photo, or a closer view of it, cut to a bucket of one resolution, with its mask
and its caption. Its name is `<photo>`, `<photo>-head` for a closer view, and `-512` behind either for a smaller
resolution.
"""

import re
from collections.abc import Iterable, Sequence
from statistics import fmean

SMALLER = re.compile(r"([0-9a-f]{16}(?:-[a-z]+)?)-\d+")


def frame_name(view: str, resolution: int | None) -> str:
    """The name of a frame that shows a view (a photo's id, or that and the kind of closer view).

    `resolution` is None for the largest of a target's.
    """
    return view if resolution is None else f"{view}-{resolution}"


def view_of(frame: str) -> str:
    """The view that a frame shows, the same at every resolution."""
    found = SMALLER.fullmatch(frame)
    return found[1] if found else frame


def one_per_view(frames: Iterable[str]) -> list[str]:
    """The first frame of each view; of sorted names that of the largest resolution, where there is one."""
    found: dict[str, str] = {}
    for frame in frames:
        found.setdefault(view_of(frame), frame)
    return list(found.values())


def view_means(frames: Sequence[str], values: Sequence[float]) -> list[float]:
    """The mean value of each view over its resolutions: frames that show the same are no independent measures."""
    views: dict[str, list[float]] = {}
    for frame, value in zip(frames, values, strict=True):
        views.setdefault(view_of(frame), []).append(value)
    return [fmean(own) for own in views.values()]
