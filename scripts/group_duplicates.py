"""Group the photos that show one picture: copies of it and shots of one burst."""

from collections import Counter
from pathlib import Path

from darkroom.cache import Cache
from darkroom.command import run_command, stage_parser
from darkroom.photos.alignment import Sketch, sketch
from darkroom.photos.duplicate_groups import COLUMNS, find_edges, group_duplicates
from darkroom.photos.settings import DuplicateSettings
from darkroom.tables import Row, read_table, write_table
from darkroom.thumbnails import load_thumbnail


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--fingerprints", type=Path, required=True, help="fingerprints.csv")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--settings", required=True, help="DuplicateSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    settings = DuplicateSettings.from_argument(arguments.settings)
    photos = sorted(
        (row for row in read_table(arguments.photos) if row["status"] == "ok"), key=lambda row: row["photo"]
    )
    fingerprints = sorted(read_table(arguments.fingerprints), key=lambda row: row["photo"])
    thumbnails = Cache(arguments.cache / "thumbnails")

    def load_sketch(photo: Row) -> Sketch:
        return sketch(load_thumbnail(thumbnails, photo, arguments.folder))

    edges, computed = find_edges(photos, fingerprints, load_sketch, settings, Cache(arguments.cache / "alignments"))
    rows = list(group_duplicates(photos, edges))
    write_table(arguments.table, COLUMNS, rows)
    counts = Counter(str(row["kind"]) for row in rows if row["kind"])
    kinds = ", ".join(f"{kind} {counts[kind]}" for kind in sorted(counts)) or "no duplicates"
    groups = len({row["group"] for row in rows} - {""})
    print(f"group_duplicates: photos {len(rows)}, groups {groups} ({kinds}), alignments computed {computed}")


if __name__ == "__main__":
    run_command(main)
