"""Cut each selected photo and its mask to a bucket of the target, by one transform."""

from collections import Counter
from pathlib import Path

from darkroom.command import run_command, stage_parser
from darkroom.errors import UserError
from darkroom.framing.frames import COLUMNS, cut_frames
from darkroom.framing.settings import CropSettings
from darkroom.overrides import read_overrides
from darkroom.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--selection", type=Path, required=True, help="selection.csv")
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--masks-table", type=Path, required=True, help="masks.csv")
    parser.add_argument("--photo-masks", type=Path, required=True, help="the folder of the photos' masks")
    parser.add_argument("--overrides", nargs="?", help="your own decisions, a CSV; none where empty")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--settings", required=True, help="CropSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--frames", type=Path, required=True, help="the folder of frames to write")
    parser.add_argument("--masks", type=Path, required=True, help="the folder of their masks to write")
    arguments = parser.parse_args()
    settings = CropSettings.from_argument(arguments.settings)
    photos = read_table(arguments.photos)
    overrides = read_overrides(Path(arguments.overrides) if arguments.overrides else None, photos)
    rows, computed = cut_frames(
        [row["photo"] for row in read_table(arguments.selection) if row["selected"] == "true"],
        {row["photo"]: row for row in photos if row["status"] == "ok"},
        {row["photo"]: row for row in read_table(arguments.masks_table)},
        overrides,
        arguments.folder,
        arguments.photo_masks,
        settings,
        arguments.cache,
        (arguments.frames, arguments.masks),
    )
    cut = [row for row in rows if row["status"] == "ok"]
    if not cut:
        raise UserError(
            f"crop: all {len(rows)} selected photos are too small for resolution {settings.resolution}; "
            "lower crop.resolution or set crop.upscale: true in the target"
        )
    write_table(arguments.table, COLUMNS, rows)
    buckets = Counter(f"{row['width']}x{row['height']}" for row in cut)
    sizes = ", ".join(f"{size} {buckets[size]}" for size in sorted(buckets))
    used = f"frames {len(cut)}/{len(rows)}, masks used {len(cut)}/{len(cut)}"
    print(f"crop_to_buckets: {used}, computed {computed} ({sizes})")


if __name__ == "__main__":
    run_command(main)
