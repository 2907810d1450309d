"""Draw the sheet of masks: every mask over its photo, with the reason where it is not trusted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.framing.mask_sheet import draw_masks
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.cache import Cache
from darkroom.storage.files import replacing
from darkroom.storage.tables import read_table


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
