"""Open every file of a shard once and say what it is."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.photos import OpeningSettings
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.index import read_index, shard_of
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.photos.photo_survey import survey_files
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    index: Annotated[Path, "the index of the photos folder"]
    folder: Annotated[Path, "the photos folder"]
    shard: int
    shards: Annotated[int, "how many shards there are"]
    settings: OpeningSettings
    cache: Path
    table: Path


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    files = [file for file in read_index(arguments.index) if shard_of(file, arguments.shards) == arguments.shard]
    rows, opened = survey_files(files, arguments.folder, settings, arguments.cache)
    write_rows(arguments.table, PhotoFile, rows)
    counts = Counter(row.status for row in rows)
    found = ", ".join(f"{status} {counts[status]}" for status in sorted(counts)) or "none"
    print(f"survey_photos: files {len(rows)} ({found}), computed {opened}")


if __name__ == "__main__":
    run_command(main)
