"""Put all runs of all targets side by side: what differs in their settings and how well each did."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.run_record import read_run
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.publishing.comparison import comparison, comparison_text
from darkroom.storage.files import write_text
from darkroom.storage.tables import write_table


@dataclass(frozen=True)
class Arguments:
    project: str
    runs: Annotated[list[Path], "run.json of each run"]
    table: Annotated[Path, "comparison.csv, to write"]
    text: Annotated[Path, "comparison.md, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    columns, rows = comparison([read_run(path) for path in arguments.runs])
    write_table(arguments.table, columns, rows)
    write_text(arguments.text, comparison_text(columns, rows, arguments.project))
    print(f"compare_runs: runs {len(rows)}/{len(arguments.runs)}")


if __name__ == "__main__":
    run_command(main)
