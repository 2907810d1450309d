"""Stops before a dataset whose captions the audit found to be no good."""

from collections.abc import Sequence
from pathlib import Path

from darkroom.contracts.caption_tables import AuditRow
from darkroom.errors import UserError


def refuse_errors(audit: Sequence[AuditRow], path: Path) -> None:
    """Raise UserError where the audit of the captions found an error: it is trained on no such set."""
    errors = [row for row in audit if row.level == "error"]
    if errors:
        named = [f"{row.finding} (frames {_some(row.named)})" for row in errors]
        raise UserError(
            f"{path}: {'; '.join(named)}; see captions.html beside it and correct these captions in overrides.csv or "
            "in a .txt beside the photo"
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
