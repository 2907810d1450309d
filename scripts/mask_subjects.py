"""Find and mask the subject of each photo of a shard."""

from pathlib import Path

from darkroom.command import run_command, stage_parser
from darkroom.framing.settings import MaskSettings
from darkroom.framing.subject_masks import COLUMNS, SUPPLIED, mask_photos
from darkroom.framing.supplied_masks import match_masks
from darkroom.model_lock import read_lock
from darkroom.photo_index import read_index
from darkroom.settings import ComputeSettings
from darkroom.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the shard's rows of photos.csv")
    parser.add_argument("--model", type=Path, required=True, help="the lock file of the segmenter")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--settings", required=True, help="MaskSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--photo-index", type=Path, required=True, help="the index of the photos")
    parser.add_argument("--mask-index", type=Path, required=True, help="the index of the supplied masks, if any are")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True, help="the folder of masks to write")
    arguments = parser.parse_args()
    settings = MaskSettings.from_argument(arguments.settings)
    threads = ComputeSettings.from_argument(arguments.compute).inference_threads
    supplied = {}
    if settings.supplied is not None:
        supplied = match_masks(read_index(arguments.photo_index), read_index(arguments.mask_index))
    rows, computed = mask_photos(
        read_table(arguments.photos),
        arguments.folder,
        settings,
        read_lock(arguments.model),
        threads,
        arguments.cache,
        arguments.masks,
        supplied,
    )
    write_table(arguments.table, COLUMNS, rows)
    found = sum(row["x0"] is not None for row in rows)
    own = sum(row["source"] == SUPPLIED for row in rows)
    counts = f"masks {len(rows)}/{len(rows)}, with a subject {found}, masks supplied {own}, computed {computed}"
    print(f"mask_subjects: {counts}")


if __name__ == "__main__":
    run_command(main)
