"""Measure how good each photo of a shard is, inside its subject."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.framing import QualitySettings
from darkroom.framing.quality_scores import COLUMNS, score_photos
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.tables import read_table, write_table


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
    photos, masks = read_table(arguments.photos), read_table(arguments.masks_table)
    rows, computed = score_photos(photos, masks, arguments.folder, arguments.masks, settings, arguments.cache)
    write_table(arguments.table, COLUMNS, rows)
    print(f"score_quality: photos {len(rows)}, masks used {len(rows)}/{len(rows)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
