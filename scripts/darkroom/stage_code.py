"""Which source files a script is made of: itself and every darkroom module it imports, directly or not."""

import ast
from functools import cache
from pathlib import Path


@cache
def _imported_names(path: Path) -> frozenset[str]:
    """Every darkroom module that a file imports anywhere, and every name that might be one."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in names if name.split(".")[0] == "darkroom")


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
        for name in _imported_names(pending.pop()):
            path = _module_file(name, scripts)
            if path is not None and path not in found:
                found.add(path)
                pending.append(path)
    return tuple(sorted(found))
