"""Which source files a script is made of: itself and every darkroom module it imports, directly or not."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def _imported_names(path: Path) -> frozenset[str]:
    """Every module that a file imports anywhere, and every name that might be one."""
    names = set()
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements inside a node. Looking at every expression as well would take most of a plan's time."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        for statement in getattr(node, block, ()):
            yield statement
            yield from _statements(statement)


def darkroom_modules(path: Path, scripts: Path) -> dict[str, Path]:
    """The file of each Darkroom module that a file imports itself, anywhere, by name; `scripts` as in `stage_code`."""
    names = {name for name in _imported_names(path) if name.split(".")[0] == "darkroom"}
    files = {name: _module_file(name, scripts) for name in names}
    return {name: file for name, file in files.items() if file is not None}


def imported_packages(path: Path) -> set[str]:
    """The packages, by the names under which they are imported, that a file needs beside Python's own and Darkroom."""
    roots = {name.split(".")[0] for name in _imported_names(path)}
    return roots - sys.stdlib_module_names - {"darkroom"}


def _module_file(name: str, scripts: Path) -> Path | None:
    path = scripts.joinpath(*name.split("."))
    if path.is_dir():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").exists() else None


@cache
def stage_code(script: Path, scripts: Path) -> tuple[Path, ...]:
    """The library files that a script needs, sorted, without the script itself.

    `scripts` is the folder that holds the package `darkroom`. Imports inside functions count too; modules imported
    by a computed name do not.
    """
    found: set[Path] = set()
    pending = [script]
    while pending:
        for path in darkroom_modules(pending.pop(), scripts).values():
            if path not in found:
                found.add(path)
                pending.append(path)
    return tuple(sorted(found))
