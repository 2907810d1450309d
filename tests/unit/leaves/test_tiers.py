"""CONTRIBUTING.md names each slow test beside a quick one, and none that is not there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
TABLE = (TESTS.parent / "CONTRIBUTING.md").read_text().partition("## Tests")[2]


def cases_of(path: Path) -> dict[str, bool]:
    """The tests of a file, and whether they are slow, in all their cases or in some."""
    functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    return {
        node.name: any("mark.slow" in ast.unparse(decorator) for decorator in node.decorator_list)
        for node in functions
        if node.name.startswith("test_")
    }


def rows() -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("| ")][1:]


def test_every_slow_test_has_its_row() -> None:
    slow = {name for path in TESTS.rglob("test_*.py") for name, is_slow in cases_of(path).items() if is_slow}
    named = {name for row in rows() for name in re.findall(r"`(test_\w+)`", row[0])}
    assert len(slow) > 20
    assert named == slow


def test_every_quick_proof_is_there() -> None:
    quick = {name for path in TESTS.rglob("test_*.py") for name in cases_of(path)}
    for slow, proof in rows():
        named = re.findall(r"`(test_\w+)`", proof)
        files = re.findall(r"`(tests/[\w/]+\.py)`", proof)
        assert named or files or proof.startswith("the same with"), slow
        assert set(named) <= quick
        assert all((TESTS.parent / file).exists() for file in files)
