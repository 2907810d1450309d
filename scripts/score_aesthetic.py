"""Score how much people like each photo, by a linear head on its vector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.photo_vectors import read_vectors
from darkroom.framing.aesthetic import aesthetic_scores
from darkroom.framing.tables import AestheticRow
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    vectors: Annotated[Path, "the photos' vectors, .npy"]
    head: Annotated[Path, "the linear head, safetensors"]
    table: Path


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    rows = aesthetic_scores(read_vectors(arguments.vectors), arguments.head)
    write_rows(arguments.table, AestheticRow, rows)
    print(f"score_aesthetic: photos {len(rows)}")


if __name__ == "__main__":
    run_command(main)
