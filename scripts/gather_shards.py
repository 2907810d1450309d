"""Merge the tables of all shards and lay out their pictures in one folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from darkroom.errors import UserError
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.files import link_or_copy
from darkroom.storage.tables import Row, gather_tables


@dataclass(frozen=True)
class Arguments:
    tables: Annotated[list[Path], "the tables of the shards"]
    table: Annotated[Path, "the merged table"]
    keep_order: Annotated[bool, "one table after the other, instead of sorted rows"] = False
    folders: Annotated[list[Path], "the shards' folders of pictures"] = field(default_factory=list)
    folder: Annotated[Path | None, "the folder in which people look at them"] = None


def gather_pictures(rows: list[Row], folders: list[Path], output: Path) -> int:
    """Hard-link the picture of every row, its `file` or else `<photo>.png`, into one folder; how many there are.

    Raises UserError where one is missing.
    """
    output.mkdir(parents=True, exist_ok=True)
    pictures = {picture.name: picture for folder in folders for picture in folder.glob("*.png")}
    for row in rows:
        name = row.get("file") or f"{row['photo']}.png"
        if name not in pictures:
            searched = ", ".join(map(str, folders))
            raise UserError(f"{name} is missing in {searched}; delete what of these lacks pictures and start again")
        link_or_copy(pictures[name], output / name)
    return len(rows)


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    rows = gather_tables(arguments.tables, arguments.table, arguments.keep_order)
    report = f"gather_shards: {len(rows)} rows of {len(arguments.tables)} shards"
    if arguments.folder is not None:
        report += f", pictures {gather_pictures(rows, arguments.folders, arguments.folder)}"
    print(report)


if __name__ == "__main__":
    run_command(main)
