"""Find the nearest photos of each in an embedding: further candidates for copies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.base import ComputeSettings
from darkroom.config.photos import DuplicateSettings
from darkroom.contracts.photo_vectors import write_vectors
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.clip_vectors import ClipVectors
from darkroom.models.lock import read_lock
from darkroom.photo_folder.photo_table import read_photos
from darkroom.photos.pairs import MOST, Neighbour, numbered
from darkroom.photos.photo_embeddings import embed_photos, neighbours
from darkroom.storage.cache import Cache
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "photos.csv"]
    folder: Annotated[Path, "the photos folder"]
    model: Annotated[Path, "lock file of the open_clip model"]
    settings: DuplicateSettings
    compute: ComputeSettings
    cache: Path
    table: Path
    vectors: Annotated[Path, "the photos' vectors, .npy"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    compute = arguments.compute
    model = read_lock(arguments.model)
    photos = numbered(read_photos(arguments.photos))
    clip = ClipVectors(
        model, compute.device, compute.inference_threads, Cache(arguments.cache / "embeddings"), "duplicates.embedding"
    )
    vectors = embed_photos(photos, arguments.folder, Cache(arguments.cache / "thumbnails"), clip)
    write_vectors(arguments.vectors, [photo.photo for photo in photos], vectors)
    found = neighbours(vectors, settings.min_similarity, MOST)
    rows = [
        Neighbour(photos[first].photo, photos[second].photo, found[first, second]) for first, second in sorted(found)
    ]
    write_rows(arguments.table, Neighbour, rows)
    print(f"embed_photos: photos {len(photos)}, pairs {len(rows)}, computed {clip.computed}")


if __name__ == "__main__":
    run_command(main)
