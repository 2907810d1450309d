"""Measure how good each photo of a shard is, inside its subject."""

from pathlib import Path

from darkroom.config.framing import QualitySettings
from darkroom.framing.quality_scores import COLUMNS, score_photos
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the shard's rows of photos.csv")
    parser.add_argument("--masks-table", type=Path, required=True, help="the shard's rows of masks.csv")
    parser.add_argument("--masks", type=Path, required=True, help="the shard's folder of masks")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--settings", required=True, help="QualitySettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    settings = QualitySettings.from_argument(arguments.settings)
    photos, masks = read_table(arguments.photos), read_table(arguments.masks_table)
    rows, computed = score_photos(photos, masks, arguments.folder, arguments.masks, settings, arguments.cache)
    write_table(arguments.table, COLUMNS, rows)
    print(f"score_quality: photos {len(rows)}, masks used {len(rows)}/{len(rows)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
