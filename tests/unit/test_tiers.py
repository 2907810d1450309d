"""CONTRIBUTING.md names each slow test beside a quick one, and none that is not there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
TABLE = (TESTS.parent / "CONTRIBUTING.md").read_text().partition("## Tests")[2]
SLOW = "pytest.mark.slow"


def decorators(path: Path) -> dict[str, list[str]]:
    """The decorators of each test of a file."""
    functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    return {
        node.name: [ast.unparse(decorator) for decorator in node.decorator_list]
        for node in functions
        if node.name.startswith("test_")
    }


ALL = [entry for path in sorted(TESTS.rglob("test_*.py")) for entry in decorators(path).items()]
QUICK = {name for name, marks in ALL if SLOW not in marks}
SOME_SLOW = {name for name, marks in ALL if any(SLOW in mark for mark in marks)}


def rows() -> list[tuple[str, str]]:
    lines = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("| ")][1:]
    return [(slow, proof) for slow, proof in lines]


def test_every_slow_test_has_its_row() -> None:
    assert len(SOME_SLOW) > 20
    assert {name for slow, _ in rows() for name in re.findall(r"`(test_\w+)`", slow)} == SOME_SLOW


def test_every_quick_proof_is_there_and_quick() -> None:
    for slow, proof in rows():
        same = re.findall(r"`(test_\w+)`", slow) if proof.startswith("the same with") else []
        named = re.findall(r"`(test_\w+)`", proof) + same
        files = re.findall(r"`(tests/[\w/]+\.py)`", slow + proof)
        assert named or files, slow
        assert set(named) <= QUICK, slow
        assert all((TESTS.parent / file).exists() for file in files), slow
