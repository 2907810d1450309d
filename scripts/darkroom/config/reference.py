"""The JSON schemas and the table of all keys in config/README.md, written from the typed config: they cannot drift."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from darkroom.config.project import Config, Target
from darkroom.storage.files import write_text
from darkroom.storage.markdown import markdown_table

BEGIN, END = "<!-- keys: written by `make schema` -->", "<!-- end of keys -->"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{json.dumps(field.get_default(call_default_factory=True), ensure_ascii=False)}`"


def _choices(field: FieldInfo) -> str:
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
    return " (" + ", ".join(f"`{choice}`" for choice in choices) + ")" if choices else ""


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(field.annotation, f"{key}.")
        else:
            text = f"{field.description or ''}{_choices(field)}".replace("|", "\\|")
            yield f"`{key}`", _default(field), text


def reference() -> str:
    """The keys of a project's config and of a target as two Markdown tables."""
    config, target = (markdown_table(("key", "default", "meaning"), _rows(model)) for model in (Config, Target))
    return f"{BEGIN}\n### A project\n{config}\n\n### A target\n{target}\n{END}"


def write_reference(readme: Path) -> None:
    """Replace the tables between the two marks of a README; ValueError where a mark is missing."""
    text = readme.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) + len(END) :]
    write_text(readme, before + reference() + after)


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schemas of a project's config and of a target, by name."""
    return {"config": Config.model_json_schema(), "target": Target.model_json_schema()}
