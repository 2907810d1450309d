"""Runs side by side: only the settings that differ, and the figures that matter."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from darkroom.contracts.run_record import RunRecord
from darkroom.storage.markdown import escape, markdown_table


def comparison(runs: Sequence[RunRecord]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows of comparison.csv: target, run, the settings that differ, choice and figures."""
    differing = differing_settings([run.settings for run in runs])
    rows = [
        {"target": run.target, "run": run.run, **{name: _text(run.settings.get(name)) for name in differing}}
        | asdict(run.figures)
        for run in sorted(runs, key=lambda run: (run.target, run.run))
    ]
    return list(rows[0]), rows


def differing_settings(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of settings that are not the same in all runs, sorted."""
    names = sorted({name for values in settings for name in values})
    return [name for name in names if any(values.get(name) != settings[0].get(name) for values in settings)]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " | ".join(map(str, value))
    return "" if value is None else str(value)


def comparison_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], project: str) -> str:
    """comparison.md: the same table for people, columns that are empty everywhere left out."""
    shown = [column for column in columns if any(row[column] not in ("", None) for row in rows)]
    heads = [column.replace("_", " ") for column in shown]
    table = markdown_table(heads, [[_cell(row[column]) for column in shown] for row in rows])
    return (
        f"# Runs of {escape(project)}\n\nOnly settings that differ are shown. Likeness and prompt following: of the "
        "chosen checkpoint, with standard errors (se). Loss: validation loss on held-out frames, before and after.\n\n"
        f"{table}\n"
    )


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escape(str("" if value is None else value)) or " "
