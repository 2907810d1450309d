"""Find and mask the subject of each photo of a shard."""

from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.config.framing import MaskSettings
from darkroom.framing.segmenter import Finder
from darkroom.framing.subject_masks import COLUMNS, mask_photos
from darkroom.framing.supplied_masks import SUPPLIED, match_masks
from darkroom.jobs.command import run_command, stage_parser
from darkroom.models.lock import read_lock
from darkroom.photo_folder.index import read_index
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the shard's rows of photos.csv")
    parser.add_argument("--model", type=Path, required=True, help="the lock file of the segmenter")
    parser.add_argument("--second", type=Path, nargs="?", help="the lock file of a second one, if there is one")
    parser.add_argument("--box-model", type=Path, nargs="?", help="the lock file of what finds boxes for SAM")
    parser.add_argument(
        "--subject-class", nargs="?", const="", default="", help="the word by which Florence-2 looks for the subject"
    )
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
    compute = ComputeSettings.from_argument(arguments.compute)
    box_model = arguments.box_model and read_lock(arguments.box_model)
    finders = [
        Finder(read_lock(lock), box_model, settings.network, arguments.subject_class, compute, key)
        for key, lock in (("masks.model", arguments.model), ("masks.second", arguments.second))
        if lock is not None
    ]
    supplied = {}
    if settings.supplied is not None:
        supplied = match_masks(read_index(arguments.photo_index), read_index(arguments.mask_index))
    rows, computed = mask_photos(
        read_table(arguments.photos),
        arguments.folder,
        finders,
        arguments.cache,
        arguments.masks,
        supplied,
        Path(settings.supplied or ""),
    )
    write_table(arguments.table, COLUMNS, rows)
    found = sum(row["x0"] is not None for row in rows)
    own = sum(row["source"] == SUPPLIED for row in rows)
    counts = f"masks {len(rows)}/{len(rows)}, with a subject {found}, masks supplied {own}, computed {computed}"
    print(f"mask_subjects: {counts}")


if __name__ == "__main__":
    run_command(main)
