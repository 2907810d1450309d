"""Decide which photos are used, with a reason for every one that is not, and which are held out."""

from functools import partial
from pathlib import Path

from darkroom.config.framing import SelectionSettings
from darkroom.contracts.overrides import read_overrides
from darkroom.contracts.photo_vectors import read_vectors
from darkroom.framing.flaws import candidates
from darkroom.framing.likeness import photo_likenesses, vector_likenesses
from darkroom.framing.selection import COLUMNS, count_reasons, require_photos, select_photos
from darkroom.framing.selection_sheet import draw_selection
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.cache import Cache
from darkroom.storage.files import replacing
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--duplicates", type=Path, required=True, help="duplicates.csv")
    parser.add_argument("--masks-table", type=Path, required=True, help="masks.csv")
    parser.add_argument("--quality", type=Path, required=True, help="quality.csv")
    parser.add_argument("--vectors", nargs="*", type=Path, default=[], help="the photos' vectors, where there are any")
    parser.add_argument("--aesthetic", nargs="*", type=Path, default=[], help="aesthetic.csv, where there is one")
    parser.add_argument("--overrides", nargs="?", help="your own decisions, a CSV; none where empty")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--settings", required=True, help="SelectionSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, required=True, help="the contact sheet to draw")
    arguments = parser.parse_args()
    settings = SelectionSettings.from_argument(arguments.settings)
    photos = read_table(arguments.photos)
    require_photos(photos, str(arguments.folder))
    overrides = read_overrides(Path(arguments.overrides) if arguments.overrides else None, photos)
    masks, quality, duplicates = map(read_table, (arguments.masks_table, arguments.quality, arguments.duplicates))
    aesthetic = {row["photo"]: row for path in arguments.aesthetic for row in read_table(path)}
    quality = [row | aesthetic.get(row["photo"], {}) for row in quality]
    readable = {row["photo"]: row for row in photos if row["status"] == "ok"}
    thumbnails = Cache(arguments.cache / "thumbnails")
    alike = partial(photo_likenesses, readable, arguments.folder, thumbnails)
    if arguments.vectors:
        alike = partial(vector_likenesses, read_vectors(arguments.vectors[0]))
    rows = select_photos(candidates(photos, masks, quality, duplicates), settings, overrides, alike)
    sheet = draw_selection(rows, readable, arguments.folder, thumbnails)
    with replacing(arguments.sheet) as temporary:
        sheet.save(temporary, "JPEG", quality=88)
    write_table(arguments.table, COLUMNS, rows)
    kept = [row for row in rows if row["selected"]]
    held = sum(row["split"] == "held_out" for row in kept)
    rejected = count_reasons(str(row["reason"]) for row in rows if not row["selected"])
    trusted = sum(not row["mask_problem"] for row in kept)
    print(
        f"select_photos: selected {len(kept)}/{len(rows)}, held out {held}, masks trusted {trusted}/{len(kept)}, "
        f"overrides {len(overrides)} ({rejected})"
    )


if __name__ == "__main__":
    run_command(main)
