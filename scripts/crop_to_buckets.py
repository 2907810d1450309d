"""Cut each selected photo and its mask to a bucket of the target, by one transform."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from darkroom.config.framing import CropSettings
from darkroom.contracts.overrides import read_overrides
from darkroom.errors import UserError
from darkroom.framing.frame_plan import count_batches, plan_frames
from darkroom.framing.frames import COLUMNS, Sources, cut_frames
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.tables import read_table, write_table


@dataclass(frozen=True)
class Arguments:
    selection: Annotated[Path, "selection.csv"]
    photos: Annotated[Path, "photos.csv"]
    masks_table: Annotated[Path, "masks.csv"]
    photo_masks: Annotated[Path, "the folder of the photos' masks"]
    folder: Annotated[Path, "the photos folder"]
    settings: CropSettings
    batch: Annotated[int, "frames of a batch, which are of one bucket"]
    cache: Path
    table: Path
    frames: Annotated[Path, "the folder of frames to write"]
    masks: Annotated[Path, "the folder of their masks to write"]
    overrides: Annotated[Path | None, "your own decisions, a CSV; none where empty"] = None


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    photos = read_table(arguments.photos)
    sources = Sources(
        {row["photo"]: row for row in photos if row["status"] == "ok"},
        {row["photo"]: row for row in read_table(arguments.masks_table)},
        arguments.folder,
        arguments.photo_masks,
    )

    plans = plan_frames(
        [row for row in read_table(arguments.selection) if row["selected"] == "true"],
        sources.photos,
        sources.masks,
        read_overrides(arguments.overrides, photos),
        settings,
        arguments.batch,
        lru_cache(maxsize=1)(sources.mask_levels),
    )
    if all(plan.crop is None for plan in plans):
        photo_count, smallest = len({plan.photo for plan in plans}), settings.resolutions[-1]
        raise UserError(
            f"crop: all {photo_count} selected photos are too small for resolution {smallest}; "
            "lower crop.resolution or set crop.upscale: true in the target"
        )
    rows, computed = cut_frames(
        plans, sources, settings.background, arguments.cache, (arguments.frames, arguments.masks)
    )
    write_table(arguments.table, COLUMNS, rows)
    cut = [plan for plan in plans if plan.crop is not None]
    buckets = Counter(f"{plan.crop.bucket[0]}x{plan.crop.bucket[1]}" for plan in cut if plan.crop is not None)
    sizes = ", ".join(f"{size} {buckets[size]}" for size in sorted(buckets))
    used = f"frames {len(cut)}/{len(rows)}, masks used {sum(plan.mask_used for plan in cut)}/{len(cut)}"
    print(f"crop_to_buckets: {used}, computed {computed}; {count_batches(plans, arguments.batch)} ({sizes})")


if __name__ == "__main__":
    run_command(main)
