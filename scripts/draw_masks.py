"""Draw the sheet of masks: every mask over its photo, with the reason where it is not trusted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.selection_table import read_selection
from darkroom.framing.mask_sheet import draw_masks
from darkroom.framing.tables import read_masks
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.cache import Cache
from darkroom.storage.files import replacing


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "photos.csv"]
    selection: Annotated[Path, "selection.csv"]
    masks_table: Annotated[Path, "masks.csv"]
    masks: Annotated[Path, "the folder of masks"]
    folder: Annotated[Path, "the photos folder"]
    cache: Path
    sheet: Annotated[Path, "the sheet to draw"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    selection = read_selection(arguments.selection)
    masks, photos = read_masks(arguments.masks_table), readable_photos(read_photos(arguments.photos))
    folders = (arguments.masks, arguments.folder)
    sheet = draw_masks(selection, masks, photos, folders, Cache(arguments.cache / "thumbnails"))
    with replacing(arguments.sheet) as temporary:
        sheet.save(temporary, "JPEG", quality=88)
    trusted = sum(not row.mask_problem for row in selection)
    print(f"draw_masks: masks {len(selection)}/{len(selection)}, trusted {trusted}")


if __name__ == "__main__":
    run_command(main)
