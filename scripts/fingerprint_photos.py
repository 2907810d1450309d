"""Compute the perceptual hashes of the photos of a shard."""

from pathlib import Path

from darkroom.jobs.command import run_command, stage_parser
from darkroom.photos.fingerprints import COLUMNS, fingerprint_photos
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the shard's rows of photos.csv")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    rows, computed = fingerprint_photos(read_table(arguments.photos), arguments.folder, arguments.cache)
    write_table(arguments.table, COLUMNS, rows)
    print(f"fingerprint_photos: photos {len(rows)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
