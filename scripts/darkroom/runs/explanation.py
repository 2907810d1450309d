"""What a run would do, in words: what changed, what follows from that, and what waits for the dataset.

Snakemake names a reason for every job, nearly always that a job before it runs, and stops looking there. People want
what started it: which photo came, which setting changed from what to what, which code was edited.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# A list of files as params hold it (`fingerprint` in project.py): it says that they differ, and not which.
FINGERPRINT = re.compile(r"\d+, sha256 [0-9a-f]{64}")
# So many photos are named; of more only the number is told.
NAMED_PHOTOS = 5
LISTED = "its files are others"
# A setting of which an earlier run's config said nothing.
UNSET = re.compile(r"^(\w+) was null(, is .*)$")
# Some rules get a group of settings alone, others the whole config.
OUTER_KEYS = re.compile(r"^(\w+\.)+(?=\w+ was .*, is )")


@dataclass(frozen=True)
class PlannedJob:
    """A job that would run, and what is different from the last time it ran.

    `missing` where an output is not there; `changed`, its own files (code, models) that differ; `before` and `now`, the
    params of which the other side knows nothing, as Python literals, those of now with their names; `waits` where the
    checkpoint names its inputs.
    """

    rule: str
    wildcards: str
    missing: bool
    causes: tuple[str, ...]
    changed: tuple[str, ...]
    before: tuple[str, ...]
    now: tuple[tuple[str, str], ...]
    waits: bool

    @property
    def differences(self) -> list[str]:
        """What is different, in words; empty where the job only follows others."""
        words = [f"{path.removeprefix('scripts/')} was edited" for path in self.changed]
        settings = changed_settings(self.before, self.now)
        # Where the photos are named, or divided otherwise, that they are others says nothing more.
        known = bool(self.causes) or any(item.startswith("shards was") for item in settings)
        return [*self.causes, *words, *(item for item in settings if item != LISTED or not known)]


def explanation(jobs: Iterable[PlannedJob]) -> str:
    """The plan in words."""
    jobs = list(jobs)
    if not jobs:
        return "Nothing would run: everything is up to date."
    new = [job for job in jobs if job.missing]
    causes = [job for job in jobs if not job.missing and job.differences]
    rest = [job for job in jobs if not job.missing and not job.differences]
    parts = [f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} would run."]
    if causes:
        parts.append("\n  ".join(["What changed:", *_told(causes)]))
    for title, group in (
        ("Not made yet:", new),
        ("Behind these; what is remembered is not computed again:", [job for job in rest if not job.waits]),
        ("Only if the dataset then differs:", [job for job in rest if job.waits]),
    ):
        if group:
            parts.append(f"{title}\n  {_names(group)}")
    return "\n\n".join(parts)


def _names(jobs: list[PlannedJob]) -> str:
    """The rules of some jobs, with their number where there are several."""
    counts = Counter(job.rule for job in jobs)
    return ", ".join(f"{rule} ({count})" if count > 1 else rule for rule, count in counts.items())


def _told(jobs: list[PlannedJob]) -> list[str]:
    """A line per difference, with the jobs that it concerns; one setting may reach several rules."""
    lines: dict[str, list[str]] = {}
    for job in jobs:
        for words in job.differences:
            name = job.rule + (f" ({job.wildcards})" if job.wildcards else "")
            lines.setdefault(OUTER_KEYS.sub("", words), []).append(name)
    _join_defaults(lines)
    return [f"{words} -> {', '.join(dict.fromkeys(names))}" for words, names in lines.items()]


def _join_defaults(lines: dict[str, list[str]]) -> None:
    """Tell a setting once that one rule gets with its default and another, where nobody gave it, not at all."""
    for words in list(lines):
        unset = UNSET.match(words)
        same = [other for other in lines if unset and other.startswith(f"{unset[1]} was ") and other.endswith(unset[2])]
        known = next((other for other in same if other != words), None)
        if known is not None:
            lines[known] += lines.pop(words)


def changed_settings(before: Iterable[str], now: Iterable[tuple[str, str]]) -> list[str]:
    """What differs between params, given as Python literals, those of now as (name, literal), key by key."""
    words = []
    for old, (name, new) in _pairs([_opened(text) for text in before], [(name, _opened(text)) for name, text in now]):
        if FINGERPRINT.fullmatch(str(old or new)):
            words.append(f"its {name.replace('_', ' ') or 'files'} are others")
        else:
            words += _differences("" if isinstance(new, dict | list) else name, old, new)
    return sorted(words)


def _opened(text: str) -> Any:
    """The value of a param; a text that holds JSON is opened."""
    try:
        value = ast.literal_eval(text)
        return json.loads(value) if isinstance(value, str) and value.startswith(("{", "[")) else value
    except (SyntaxError, ValueError):
        return text


def _pairs(before: list[Any], now: list[tuple[str, Any]]) -> list[tuple[Any, tuple[str, Any]]]:
    """Each old value with the new one, and its name, that is most like it; ("", None) where none is."""
    pairs, left = [], list(now)
    for old in before:
        alike = [named for named in left if type(named[1]) is type(old)]
        best = max(alike, key=lambda named: _likeness(old, named[1]), default=None)
        if best is not None:
            left.remove(best)
        pairs.append((old, best or ("", None)))
    return [*pairs, *((None, named) for named in left)]


def _likeness(old: Any, new: Any) -> int:
    """How like two values of one type are: keys in common, or both lists of files."""
    if isinstance(old, dict):
        return len(set(old) & set(new))
    return bool(FINGERPRINT.fullmatch(str(old))) == bool(FINGERPRINT.fullmatch(str(new)))


def photo_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What came, went and was exchanged between two lists of photos, each path with the identity of its bytes."""
    exchanged = [path for path in before.keys() & now.keys() if before[path] != now[path]]
    found = {"added": now.keys() - before.keys(), "gone": before.keys() - now.keys(), "exchanged": exchanged}
    words = []
    for what, paths in found.items():
        named = sorted(paths)[:NAMED_PHOTOS]
        words += [f"photo {what}: {path}" for path in named]
        if len(paths) > len(named):
            words.append(f"photos {what}: {len(paths) - len(named)} more")
    return words


def _differences(name: str, old: Any, new: Any) -> list[str]:
    """What differs between two values, key by key."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        below = [_differences(f"{name}.{key}" if name else key, old.get(key), new.get(key)) for key in keys]
        return [words for part in below for words in part]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and isinstance(old[0], dict):
        return [words for pair in zip(old, new, strict=True) for words in _differences(name, *pair)]
    return [f"{name or 'a setting'} was {_shown(old)}, is {_shown(new)}"]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
