"""When photos were taken."""

from datetime import datetime

from darkroom.photo_folder.photo_table import PhotoFile


def seconds_between(first: PhotoFile, second: PhotoFile) -> float | None:
    """Seconds between two captures, None where either is unknown."""
    if not (first.taken_at and second.taken_at):
        return None
    times = [datetime.fromisoformat(photo.taken_at).replace(tzinfo=None) for photo in (first, second)]
    return abs((times[0] - times[1]).total_seconds())
