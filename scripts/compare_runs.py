"""Put all runs of all targets side by side: what differs in their settings and how well each did."""

import json
from pathlib import Path

from darkroom.contracts.choice import read_choice
from darkroom.jobs.command import run_command, stage_parser
from darkroom.publishing.comparison import Run, comparison, comparison_text
from darkroom.storage.files import write_text
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--runs", required=True, help="target, run, settings of each run, as JSON")
    parser.add_argument("--choices", type=Path, nargs="+", required=True, help="choice.json of each run")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores.csv of each run")
    parser.add_argument("--validations", type=Path, nargs="+", required=True, help="validation.csv of each run")
    parser.add_argument("--logs", type=Path, nargs="+", required=True, help="log.csv of each run")
    parser.add_argument("--table", type=Path, required=True, help="comparison.csv, to write")
    parser.add_argument("--text", type=Path, required=True, help="comparison.md, to write")
    arguments = parser.parse_args()
    files = zip(arguments.choices, arguments.scores, arguments.validations, arguments.logs, strict=True)
    runs = [
        Run(
            run["target"],
            run["run"],
            run["settings"],
            read_choice(choice),
            read_table(scores),
            read_table(validation),
            read_table(log),
        )
        for run, (choice, scores, validation, log) in zip(json.loads(arguments.runs), files, strict=True)
    ]
    columns, rows = comparison(runs)
    write_table(arguments.table, columns, rows)
    write_text(arguments.text, comparison_text(columns, rows, arguments.project))
    print(f"compare_runs: runs {len(rows)}/{len(runs)}")


if __name__ == "__main__":
    run_command(main)
