"""Cut each selected photo and its mask to a bucket of the target, by one transform."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from darkroom.config.framing import CropSettings
from darkroom.contracts.frame_table import FrameRow
from darkroom.contracts.overrides import read_overrides
from darkroom.contracts.selection_table import read_selected
from darkroom.errors import UserError
from darkroom.framing.frame_plan import count_batches, plan_frames
from darkroom.framing.frames import Sources, cut_frames
from darkroom.framing.tables import read_masks
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.tables import write_rows


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
    files = read_photos(arguments.photos)
    masks = read_masks(arguments.masks_table)
    sources = Sources(readable_photos(files), masks, arguments.folder, arguments.photo_masks)
    plans = plan_frames(
        read_selected(arguments.selection),
        sources.photos,
        sources.masks,
        read_overrides(arguments.overrides, files),
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
    write_rows(arguments.table, FrameRow, rows)
    cut = [plan for plan in plans if plan.crop is not None]
    buckets = Counter(f"{plan.crop.bucket[0]}x{plan.crop.bucket[1]}" for plan in cut if plan.crop is not None)
    sizes = ", ".join(f"{size} {buckets[size]}" for size in sorted(buckets))
    used = f"frames {len(cut)}/{len(rows)}, masks used {sum(plan.mask_used for plan in cut)}/{len(cut)}"
    print(f"crop_to_buckets: {used}, computed {computed}; {count_batches(plans, arguments.batch)} ({sizes})")


if __name__ == "__main__":
    run_command(main)
