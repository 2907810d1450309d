"""Decide which photos are used, with a reason for every one that is not, and which are held out."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

from darkroom.config.framing import SelectionSettings
from darkroom.contracts.duplicate_table import read_relations
from darkroom.contracts.overrides import read_overrides
from darkroom.contracts.photo_vectors import read_vectors
from darkroom.contracts.selection_table import Verdict
from darkroom.framing.flaws import candidates
from darkroom.framing.likeness import photo_likenesses, vector_likenesses
from darkroom.framing.selection import count_reasons, require_photos, select_photos
from darkroom.framing.selection_sheet import draw_selection
from darkroom.framing.tables import read_aesthetics, read_masks, read_quality
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.cache import Cache
from darkroom.storage.files import replacing
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "photos.csv"]
    duplicates: Annotated[Path, "duplicates.csv"]
    masks_table: Annotated[Path, "masks.csv"]
    quality: Annotated[Path, "quality.csv"]
    folder: Annotated[Path, "the photos folder"]
    settings: SelectionSettings
    cache: Path
    table: Path
    sheet: Annotated[Path, "the contact sheet to draw"]
    vectors: Annotated[list[Path], "the photos' vectors, where there are any"] = field(default_factory=list)
    aesthetic: Annotated[list[Path], "aesthetic.csv, where there is one"] = field(default_factory=list)
    overrides: Annotated[Path | None, "your own decisions, a CSV; none where empty"] = None


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    files = read_photos(arguments.photos)
    require_photos(files, str(arguments.folder))
    overrides = read_overrides(arguments.overrides, files)
    readable = readable_photos(files)
    found = candidates(
        readable,
        read_masks(arguments.masks_table),
        read_quality(arguments.quality),
        read_relations(arguments.duplicates),
        read_aesthetics(arguments.aesthetic[0]) if arguments.aesthetic else None,
    )
    thumbnails = Cache(arguments.cache / "thumbnails")
    alike = partial(photo_likenesses, readable, arguments.folder, thumbnails)
    if arguments.vectors:
        alike = partial(vector_likenesses, read_vectors(arguments.vectors[0]))
    rows = select_photos(found, settings, overrides, alike)
    sheet = draw_selection(rows, readable, arguments.folder, thumbnails)
    with replacing(arguments.sheet) as temporary:
        sheet.save(temporary, "JPEG", quality=88)
    write_rows(arguments.table, Verdict, rows)
    kept = [row for row in rows if row.selected]
    held = sum(row.split == "held_out" for row in kept)
    rejected = count_reasons(row.reason for row in rows if not row.selected)
    trusted = sum(not row.mask_problem for row in kept)
    print(
        f"select_photos: selected {len(kept)}/{len(rows)}, held out {held}, masks trusted {trusted}/{len(kept)}, "
        f"overrides {len(overrides)} ({rejected})"
    )


if __name__ == "__main__":
    run_command(main)
