"""Merge the surveys of all shards and find the photo of each sidecar caption."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import PhotoFile, read_photos
from darkroom.photos.sidecars import name_sidecars
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    tables: Annotated[list[Path], "the tables of the shards"]
    table: Annotated[Path, "photos.csv"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    files = name_sidecars([file for table in arguments.tables for file in read_photos(table)])
    write_rows(arguments.table, PhotoFile, files)
    counts = Counter(file.status for file in files)
    print(f"gather_photos: files {len(files)} ({', '.join(f'{status} {counts[status]}' for status in sorted(counts))})")


if __name__ == "__main__":
    run_command(main)
