"""Merge the surveys of all shards and find the photo of each sidecar caption."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photos.photo_table import COLUMNS, name_sidecars
from darkroom.storage.tables import read_table, write_table


@dataclass(frozen=True)
class Arguments:
    tables: Annotated[list[Path], "the tables of the shards"]
    table: Annotated[Path, "photos.csv"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    rows = name_sidecars([row for table in arguments.tables for row in read_table(table)])
    write_table(arguments.table, COLUMNS, rows)
    counts = Counter(row["status"] for row in rows)
    print(f"gather_photos: files {len(rows)} ({', '.join(f'{status} {counts[status]}' for status in sorted(counts))})")


if __name__ == "__main__":
    run_command(main)
