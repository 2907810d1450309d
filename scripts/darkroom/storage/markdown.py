"""Markdown: tables, and text in which nothing becomes markup."""

import re
from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, without a line break at its end. Cells are put in as they are: escape them before."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape(text: str) -> str:
    """Text on one line with everything that Markdown or HTML would read as markup escaped."""
    line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]()#+\-!|<>~$&^])", r"\\\1", line)


def code_span(text: str) -> str:
    """Text as a code span, whatever backticks it holds; a pipe is escaped for tables."""
    line = " ".join(text.split()).replace("|", "\\|")
    fence = "`" * (_longest_run(line) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def fenced(text: str, language: str = "text") -> str:
    """Text as a code block whose fence is longer than any run of backticks in it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
