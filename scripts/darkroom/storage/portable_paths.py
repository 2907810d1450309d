"""Paths as they may be told to others."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

TEXTS = ("subject", "prompts", "control_prompts")  # never paths, whatever they begin with


def portable(value: Any, checkout: Path) -> Any:
    """The value with every path in it that others do not have cut down to its last part, however deep it lies.

    Paths into the checkout become relative to it, as a config would write them; other absolute paths, and relative
    ones that lead out of the working directory, lose their folders.
    """
    if isinstance(value, Mapping):
        return {key: item if key in TEXTS else portable(item, checkout) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item, checkout) for item in value]
    if not isinstance(value, str):
        return value
    path = PurePath(value)
    for root in (checkout.absolute(), checkout.resolve()):
        if path.is_relative_to(root) and ".." not in path.parts:
            return path.relative_to(root).as_posix()
    if path.is_absolute() or value.startswith(("~", "../")):
        return path.name
    return value
