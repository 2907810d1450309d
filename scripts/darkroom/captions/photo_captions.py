"""What the captioner answers for the selected photos of a shard: remembered per photo, computed in batches."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from darkroom.captions.captioners import Answer, Describe
from darkroom.imaging.open_photo import surveyed_photo
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key, cached


def caption_keys(photos: Mapping[str, PhotoFile], **parts: Any) -> dict[str, str]:
    """The cache key of each photo's caption: its bytes and everything else that decides it."""
    return {name: cache_key(stage="caption", photo=photo.sha256, **parts) for name, photo in photos.items()}


def caption_photos(
    photos: Mapping[str, PhotoFile],
    keys: Mapping[str, str],
    cache: Cache,
    batch: int,
    folder: Path,
    load: Callable[[], Describe],
) -> tuple[dict[str, Answer], int]:
    """Answers by photo and how many were computed; `load` is called only where one is missing.

    Each batch is stored as soon as it is there, so a killed job loses one batch. Photos of one size go together:
    models that see a picture in its own size then fill their batches.
    """

    def compute(missing: list[str]) -> Iterator[tuple[str, Answer]]:
        describe = load()
        by_size = sorted(missing, key=lambda name: (photos[name].size, name))
        for start in range(0, len(missing), batch):
            names = by_size[start : start + batch]
            pictures = [surveyed_photo(folder, photos[name]).picture for name in names]
            yield from zip(names, describe(pictures), strict=True)

    def shown(missing: list[str]) -> Iterator[tuple[str, Answer]]:
        return progress(compute(missing), "caption", "photos", total=len(missing))

    return cached(cache, keys, shown)
