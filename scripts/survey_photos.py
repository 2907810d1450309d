"""Open every file of a shard once and say what it is."""

from collections import Counter
from pathlib import Path

from darkroom.config.photos import OpeningSettings
from darkroom.jobs.command import run_command, stage_parser
from darkroom.photo_folder.index import read_index, shard_of
from darkroom.photos.photo_survey import survey_files
from darkroom.photos.photo_table import COLUMNS
from darkroom.storage.tables import write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--index", type=Path, required=True, help="the index of the photos folder")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True, help="how many shards there are")
    parser.add_argument("--settings", required=True, help="OpeningSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    settings = OpeningSettings.from_argument(arguments.settings)
    files = [file for file in read_index(arguments.index) if shard_of(file, arguments.shards) == arguments.shard]
    rows, opened = survey_files(files, arguments.folder, settings, arguments.cache)
    write_table(arguments.table, COLUMNS, rows)
    counts = Counter(row["status"] for row in rows)
    found = ", ".join(f"{status} {counts[status]}" for status in sorted(counts)) or "none"
    print(f"survey_photos: files {len(rows)} ({found}), computed {opened}")


if __name__ == "__main__":
    run_command(main)
