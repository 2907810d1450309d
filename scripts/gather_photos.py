"""Merge the surveys of all shards and find the photo of each sidecar caption."""

from collections import Counter
from pathlib import Path

from darkroom.jobs.command import run_command, stage_parser
from darkroom.photos.photo_table import COLUMNS, name_sidecars
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="the tables of the shards")
    parser.add_argument("--table", type=Path, required=True, help="photos.csv")
    arguments = parser.parse_args()
    rows = name_sidecars([row for table in arguments.tables for row in read_table(table)])
    write_table(arguments.table, COLUMNS, rows)
    counts = Counter(row["status"] for row in rows)
    print(f"gather_photos: files {len(rows)} ({', '.join(f'{status} {counts[status]}' for status in sorted(counts))})")


if __name__ == "__main__":
    run_command(main)
