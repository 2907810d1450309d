"""Compute the perceptual hashes of the photos of a shard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.photos.fingerprints import Fingerprint, fingerprint_photos
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "the shard's rows of photos.csv"]
    folder: Annotated[Path, "the photos folder"]
    cache: Path
    table: Path


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    photos = readable_photos(read_photos(arguments.photos))
    rows, computed = fingerprint_photos(photos, arguments.folder, arguments.cache)
    write_rows(arguments.table, Fingerprint, rows)
    print(f"fingerprint_photos: photos {len(rows)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
