"""What pydantic finds wrong in settings, in words that a user can act on."""

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """All that is wrong, on one line: every wrong key and the nearest right one."""
    return "; ".join(_explain(item, model) for item in error.errors())


def _known_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys allowed beside the last element of an error's location."""
    current: Any = model
    for part in location[:-1]:
        fields = getattr(current, "model_fields", {})
        field = next((f for name, f in fields.items() if part in (name, f.alias)), None)
        if field is None:
            return []
        # Of a group that may be null, the group.
        current = next((kind for kind in get_args(field.annotation) if hasattr(kind, "model_fields")), field.annotation)
    return [field.alias or name for name, field in getattr(current, "model_fields", {}).items()]


def _explain(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One error of pydantic as a clause that a user can act on."""
    location = tuple(error["loc"])
    key = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        known = _known_keys(model, location)
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys here: {', '.join(sorted(known))}"
        return f"unknown key '{key}'; {hint}"
    if error["type"] == "missing":
        return f"key '{key}' is missing; please add it"
    message = error["msg"].removeprefix("Value error, ")
    if not location:
        return str(message)
    if isinstance(error["input"], Mapping):
        return f"key '{key}': {message}"
    return f"key '{key}': {message} (it is {error['input']!r})"
