"""Draw the curves of a training: loss, validation and learning rate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.training_tables import read_log, read_validations
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.files import replacing
from darkroom.training.training_curves import draw_curves


@dataclass(frozen=True)
class Arguments:
    log: Annotated[Path, "log.csv"]
    losses: Annotated[Path, "validation.csv"]
    picture: Annotated[Path, "training.png, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    log, losses = read_log(arguments.log), read_validations(arguments.losses)
    with replacing(arguments.picture) as path:
        draw_curves(log, losses).save(path)
    print(f"draw_training: steps {len(log)}/{len(log)}, validations {len(losses)}/{len(losses)}")


if __name__ == "__main__":
    run_command(main)
