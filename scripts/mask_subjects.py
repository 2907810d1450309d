"""Find and mask the subject of each photo of a shard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.base import ComputeSettings
from darkroom.config.framing import MaskSettings
from darkroom.framing.segmenter import Finder
from darkroom.framing.subject_masks import mask_photos
from darkroom.framing.supplied_masks import SUPPLIED, match_masks
from darkroom.framing.tables import MaskRow
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.lock import read_lock
from darkroom.photo_folder.index import read_index
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "the shard's rows of photos.csv"]
    model: Annotated[Path, "the lock file of the segmenter"]
    folder: Annotated[Path, "the photos folder"]
    settings: MaskSettings
    compute: ComputeSettings
    photo_index: Annotated[Path, "the index of the photos"]
    mask_index: Annotated[Path, "the index of the supplied masks, if any are"]
    cache: Path
    table: Path
    masks: Annotated[Path, "the folder of masks to write"]
    second: Annotated[Path | None, "the lock file of a second one, if there is one"] = None
    box_model: Annotated[Path | None, "the lock file of what finds boxes for SAM"] = None
    subject_class: Annotated[str, "the word by which Florence-2 looks for the subject"] = ""


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    compute = arguments.compute
    box_model = None if arguments.box_model is None else read_lock(arguments.box_model)
    finders = [
        Finder(read_lock(lock), box_model, settings.network, arguments.subject_class, compute, key)
        for key, lock in (("masks.model", arguments.model), ("masks.second", arguments.second))
        if lock is not None
    ]
    supplied = {}
    if settings.supplied is not None:
        supplied = match_masks(read_index(arguments.photo_index), read_index(arguments.mask_index))
    rows, computed = mask_photos(
        readable_photos(read_photos(arguments.photos)),
        arguments.folder,
        finders,
        arguments.cache,
        arguments.masks,
        supplied,
        Path(settings.supplied or ""),
    )
    write_rows(arguments.table, MaskRow, rows)
    found = sum(row.box is not None for row in rows)
    own = sum(row.source == SUPPLIED for row in rows)
    counts = f"masks {len(rows)}/{len(rows)}, with a subject {found}, masks supplied {own}, computed {computed}"
    print(f"mask_subjects: {counts}")


if __name__ == "__main__":
    run_command(main)
