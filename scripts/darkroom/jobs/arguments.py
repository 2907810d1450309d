"""A script's arguments as one typed class, of which its command line is made.

Each field is an argument: `photos: Annotated[Path, "photos.csv"]` is `--photos PATH` and says `photos.csv` in the
help. A path, a number or a text takes one word, a list any number, a bool is a switch, and a group of settings is its
JSON. What has a default may be left out or be empty, as Snakemake writes an input that is not there or an empty text.

argparse itself, since Snakemake writes a list as words after one option, which the libraries that build command lines
of types (pydantic-settings, jsonargparse) do not read.
"""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from darkroom.jobs.command import stage_parser

Arguments = TypeVar("Arguments")


def read_arguments(kind: type[Arguments], doc: str | None, words: Sequence[str] | None = None) -> Arguments:
    """The arguments of a command line, by default this process's, as a dataclass; `doc` is the script's docstring.

    Fields without a default are required, lists with one may be empty. Raises UserError where settings are wrong.
    """
    parser = stage_parser(doc)
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):  # type: ignore[arg-type]
        hint = hints[field.name]
        base, text = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
        flag, described = f"--{field.name.replace('_', '-')}", text.replace("%", "%%")
        parser.add_argument(flag, help=described, **_options(base, _default(field)))
    return kind(**vars(parser.parse_args(words)))


def _default(field: "Field[Any]") -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _options(base: Any, default: Any) -> dict[str, Any]:
    """What argparse is to know of an argument of a type; `default` is MISSING where it is required."""
    given = {"required": True} if default is MISSING else {"default": default}
    origin, parts = get_origin(base), get_args(base)
    if base is bool:
        return {"action": "store_true"}
    if origin is list:
        return {"type": _reader(parts[0]), "nargs": "+" if default is MISSING else "*", **given}
    reader = _reader(parts[0] if origin is UnionType else base)
    if default is MISSING:
        return {"type": reader, **given}
    return {"type": _or_default(reader, default), "nargs": "?", "const": default, **given}


def _or_default(reader: Callable[[str], Any], default: Any) -> Callable[[str], Any]:
    def read(word: str) -> Any:
        return reader(word) if word else default

    read.__name__ = getattr(reader, "__name__", "")  # which argparse calls a wrong value by
    return read


def _reader(kind: Any) -> Callable[[str], Any]:
    """What makes a value of a word: a group of settings reads its JSON."""
    reader: Callable[[str], Any] = getattr(kind, "from_argument", kind)
    return reader
