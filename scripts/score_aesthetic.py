"""Score how much people like each photo, by a linear head on its vector."""

from pathlib import Path

from darkroom.contracts.photo_vectors import read_vectors
from darkroom.framing.aesthetic import COLUMNS, aesthetic_scores
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.tables import write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--vectors", type=Path, required=True, help="the photos' vectors, .npy")
    parser.add_argument("--head", type=Path, required=True, help="the linear head, safetensors")
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    rows = aesthetic_scores(read_vectors(arguments.vectors), arguments.head)
    write_table(arguments.table, COLUMNS, rows)
    print(f"score_aesthetic: photos {len(rows)}")


if __name__ == "__main__":
    run_command(main)
