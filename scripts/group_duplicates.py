"""Group the photos that show one picture: copies of it and shots of one burst."""

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from darkroom.cache import Cache
from darkroom.command import run_command, stage_parser
from darkroom.files import replacing
from darkroom.photos.duplicate_groups import COLUMNS, find_edges, group_duplicates
from darkroom.photos.duplicate_sheet import draw_duplicates
from darkroom.photos.local_features import grey_levels, remembered_features
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
    parser.add_argument("--sheet", type=Path, required=True, help="picture of all groups, to write")
    arguments = parser.parse_args()
    settings = DuplicateSettings.from_argument(arguments.settings)
    photos = sorted(
        (row for row in read_table(arguments.photos) if row["status"] == "ok"), key=lambda row: row["photo"]
    )
    fingerprints = sorted(read_table(arguments.fingerprints), key=lambda row: row["photo"])
    thumbnails, memory = Cache(arguments.cache / "thumbnails"), Cache(arguments.cache / "features")

    def load(photo: Row) -> Image.Image:
        return load_thumbnail(thumbnails, photo, arguments.folder)

    def load_grey(photo: Row) -> np.ndarray:
        return grey_levels(load(photo))

    features = [remembered_features(memory, photo["sha256"], partial(load_grey, photo)) for photo in photos]
    edges, computed = find_edges(
        photos, fingerprints, features, load_grey, settings, Cache(arguments.cache / "alignments")
    )
    rows = list(group_duplicates(photos, edges))
    write_table(arguments.table, COLUMNS, rows)
    with replacing(arguments.sheet) as temporary:
        draw_duplicates(rows, {photo["photo"]: photo for photo in photos}, load).save(temporary, "JPEG", quality=88)
    counts = Counter(str(row["kind"]) for row in rows if row["kind"])
    kinds = ", ".join(f"{kind} {counts[kind]}" for kind in sorted(counts)) or "no duplicates"
    groups = len({row["group"] for row in rows} - {""})
    print(f"group_duplicates: photos {len(rows)}, groups {groups} ({kinds}), alignments computed {computed}")


if __name__ == "__main__":
    run_command(main)
