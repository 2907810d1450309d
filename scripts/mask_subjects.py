"""Find and mask the subject of each photo of a shard."""

from pathlib import Path

from darkroom.command import run_command, stage_parser
from darkroom.framing.settings import MaskSettings
from darkroom.framing.subject_masks import COLUMNS, mask_photos
from darkroom.model_lock import read_lock
from darkroom.settings import ComputeSettings
from darkroom.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the shard's rows of photos.csv")
    parser.add_argument("--model", type=Path, required=True, help="the lock file of the segmenter")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--settings", required=True, help="MaskSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True, help="the folder of masks to write")
    arguments = parser.parse_args()
    settings = MaskSettings.from_argument(arguments.settings)
    threads = ComputeSettings.from_argument(arguments.compute).inference_threads
    rows, computed = mask_photos(
        read_table(arguments.photos),
        arguments.folder,
        settings,
        read_lock(arguments.model),
        threads,
        arguments.cache,
        arguments.masks,
    )
    write_table(arguments.table, COLUMNS, rows)
    found = sum(row["x0"] is not None for row in rows)
    print(f"mask_subjects: masks {len(rows)}/{len(rows)}, with a subject {found}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
