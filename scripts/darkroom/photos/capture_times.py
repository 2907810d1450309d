"""When photos were taken."""

from datetime import datetime

from darkroom.storage.tables import Row


def seconds_between(first: Row, second: Row) -> float | None:
    """Seconds between two captures, None where either is unknown."""
    if not (first["taken_at"] and second["taken_at"]):
        return None
    times = [datetime.fromisoformat(row["taken_at"]).replace(tzinfo=None) for row in (first, second)]
    return abs((times[0] - times[1]).total_seconds())
