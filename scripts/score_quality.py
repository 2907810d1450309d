"""Measure how good each photo of a shard is, inside its subject."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.framing import QualitySettings
from darkroom.framing.quality_scores import score_photos
from darkroom.framing.tables import QualityRow, read_masks
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "the shard's rows of photos.csv"]
    masks_table: Annotated[Path, "the shard's rows of masks.csv"]
    masks: Annotated[Path, "the shard's folder of masks"]
    folder: Annotated[Path, "the photos folder"]
    settings: QualitySettings
    cache: Path
    table: Path


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    photos, masks = readable_photos(read_photos(arguments.photos)), read_masks(arguments.masks_table)
    rows, computed = score_photos(photos, masks, arguments.folder, arguments.masks, settings, arguments.cache)
    write_rows(arguments.table, QualityRow, rows)
    print(f"score_quality: photos {len(rows)}, masks used {len(rows)}/{len(rows)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
