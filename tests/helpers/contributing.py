"""What CONTRIBUTING.md says of where a new one goes."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"


def files_to_touch(row: str) -> set[str]:
    """The files that a row of its table names, but for tests; NAME, RULE and ROOM stand for any name."""
    table = PAGE.read_text(encoding="utf-8").partition("## Where a new one goes")[2].partition("\n## ")[0]
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {row} |")]
    names = re.findall(r"`([\w/]+(?:\.\w+|/))`", line.split(" | ")[1])
    return {name for name in names if not name.startswith("tests/")}
