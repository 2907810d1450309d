"""Merge the tables of all shards and lay out their pictures in one folder."""

from pathlib import Path

from darkroom.command import run_command, stage_parser
from darkroom.files import link_or_copy
from darkroom.tables import gather_tables


def gather_pictures(folders: list[Path], output: Path) -> int:
    """Hard-link every file of the folders into one folder and return how many there are."""
    output.mkdir(parents=True, exist_ok=True)
    pictures = [
        picture for folder in folders for picture in sorted(folder.iterdir()) if not picture.name.startswith(".")
    ]
    for picture in pictures:
        link_or_copy(picture, output / picture.name)
    return len(pictures)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="the tables of the shards")
    parser.add_argument("--table", type=Path, required=True, help="the merged table")
    parser.add_argument("--folders", type=Path, nargs="*", default=[], help="the shards' folders of pictures")
    parser.add_argument("--folder", type=Path, help="the folder in which people look at them")
    arguments = parser.parse_args()
    rows = gather_tables(arguments.tables, arguments.table)
    report = f"gather_shards: {len(rows)} rows of {len(arguments.tables)} shards"
    if arguments.folder is not None:
        report += f", pictures {gather_pictures(arguments.folders, arguments.folder)}"
    print(report)


if __name__ == "__main__":
    run_command(main)
