"""The house: packages, their tests, and every path that the docs name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "scripts" / "darkroom"
TESTS = ROOT / "tests" / "unit"
PACKAGES = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))
DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("*/README.md")),
    *sorted(ROOT.glob("docs/*.md")),
]
# Paths that the docs name and that a run or a set-up makes, and words that stand for any.
ANY = re.compile(r"ROOM|PACKAGE|MODULE|NAME|RULE")
MADE = ("build/", "results/", "resources/models/", ".darkroom/", ".venv/")
PATH = re.compile(
    r"`((?:scripts|tests|workflow|config|benchmarks|docs|envs|profiles|resources)/[\w./-]+|[\w/-]+\.(?:py|smk))`"
)


def modules(package: str) -> set[str]:
    return {path.stem for path in (LIBRARY / package).glob("*.py")} - {"__init__"}


def test_the_hallway_is_empty() -> None:
    assert {path.name for path in LIBRARY.glob("*.py")} == {"__init__.py", "errors.py", "mean_and_error.py"}


def test_every_package_has_its_tests_and_no_other_folder_is_there() -> None:
    folders = {path.parent.name for path in TESTS.glob("*/test_*.py")}
    assert folders == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_tests_are_named_after_modules(package: str) -> None:
    """`test_MODULE.py`, or `test_MODULE_aspect.py` where one module has several."""
    for path in (TESTS / package).glob("test_*.py"):
        name = path.stem.removeprefix("test_")
        assert any(name == module or name.startswith(f"{module}_") for module in modules(package)), path.name


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_hold_a_docstring_only(package: str) -> None:
    """What a package held would be part of no list of `code_version`."""
    body = ast.parse((LIBRARY / package / "__init__.py").read_text()).body
    assert len(body) == 1 and ast.get_docstring(ast.Module(body, [])), package


@pytest.mark.parametrize("page", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_path_in_the_docs_is_dead(page: Path) -> None:
    found = (name.rstrip(".") for name in PATH.findall(page.read_text()))
    named = {name for name in found if not name.startswith(MADE) and not ANY.search(name)}
    places = [ROOT, page.parent, ROOT / "scripts", LIBRARY, LIBRARY / page.stem, ROOT / "workflow" / "rules"]
    dead = [name for name in sorted(named) if not any((place / name).exists() for place in places)]
    assert dead == []


# So many files a new one may touch, beside its tests and docs.
MOST = {"model family": 3, "adapter": 2, "optimizer": 2, "captioner": 2, "mask backend": 2, "stage": 6}


def test_a_new_one_touches_few_files() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where a new one goes")[2].partition("\n## ")[0]
    rows = dict(line.strip("| ").split(" | ", 1) for line in table.splitlines() if line.startswith("| "))
    for what, most in MOST.items():
        files = {name for name in re.findall(r"`([\w/]+\.\w+|[\w/]+/)`", rows[what]) if not name.startswith("tests/")}
        assert 0 < len(files) <= most, (what, files)
