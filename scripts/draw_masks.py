"""Draw the sheet of masks: every mask over its photo, with the reason where it is not trusted."""

from pathlib import Path

from darkroom.framing.mask_sheet import draw_masks
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.cache import Cache
from darkroom.storage.files import replacing
from darkroom.storage.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--selection", type=Path, required=True, help="selection.csv")
    parser.add_argument("--masks-table", type=Path, required=True, help="masks.csv")
    parser.add_argument("--masks", type=Path, required=True, help="the folder of masks")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, required=True, help="the sheet to draw")
    arguments = parser.parse_args()
    selection = read_table(arguments.selection)
    masks = {row["photo"]: row for row in read_table(arguments.masks_table)}
    photos = {row["photo"]: row for row in read_table(arguments.photos) if row["status"] == "ok"}
    folders = (arguments.masks, arguments.folder)
    sheet = draw_masks(selection, masks, photos, folders, Cache(arguments.cache / "thumbnails"))
    with replacing(arguments.sheet) as temporary:
        sheet.save(temporary, "JPEG", quality=88)
    trusted = sum(not row["mask_problem"] for row in selection)
    print(f"draw_masks: masks {len(selection)}/{len(selection)}, trusted {trusted}")


if __name__ == "__main__":
    run_command(main)
