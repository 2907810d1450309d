"""Which code makes a result: the source files of a script and of the modules it imports, and versions of packages."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

from darkroom.storage.files import sha256_bytes, sha256_file

# Packages that are installed under another name than they are imported.
DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "open_clip": "open_clip_torch"}


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
    """The file of each Darkroom module that a file imports itself, anywhere, by name; `scripts` as in `stage_code`.

    To import a module runs the packages around it, too.
    """
    names = {name for name in _imported_names(path) if name.split(".")[0] == "darkroom"}
    names |= {name.rsplit(".", levels)[0] for name in names for levels in range(name.count(".") + 1)}
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


def installed_version(package: str) -> str:
    """The version of a package by the name under which it is imported or installed; empty where it is not installed."""
    try:
        return metadata.version(DISTRIBUTIONS.get(package, package))
    except metadata.PackageNotFoundError:
        return ""


@cache
def code_version(*modules: ModuleType) -> str:
    """The sha256 over the modules that make a result: their source files, and the versions of packages they import."""
    files = [Path(str(module.__file__)) for module in modules]
    packages = sorted({package for file in files for package in imported_packages(file)})
    versions = [f"{package} {installed_version(package)}" for package in packages]
    return sha256_bytes("\n".join([*(sha256_file(file) for file in files), *versions]).encode())
