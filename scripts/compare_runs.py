"""Put all runs of all targets side by side: what differs in their settings and how well each did."""

from pathlib import Path

from darkroom.jobs.command import run_command, stage_parser
from darkroom.publishing.comparison import comparison, comparison_text
from darkroom.publishing.run_record import read_run
from darkroom.storage.files import write_text
from darkroom.storage.tables import write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="run.json of each run")
    parser.add_argument("--table", type=Path, required=True, help="comparison.csv, to write")
    parser.add_argument("--text", type=Path, required=True, help="comparison.md, to write")
    arguments = parser.parse_args()
    columns, rows = comparison([read_run(path) for path in arguments.runs])
    write_table(arguments.table, columns, rows)
    write_text(arguments.text, comparison_text(columns, rows, arguments.project))
    print(f"compare_runs: runs {len(rows)}/{len(arguments.runs)}")


if __name__ == "__main__":
    run_command(main)
