"""Draw the curves of a training: loss, validation and learning rate."""

from pathlib import Path

from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.files import replacing
from darkroom.storage.tables import read_table
from darkroom.training.training_curves import draw_curves


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--log", type=Path, required=True, help="log.csv")
    parser.add_argument("--losses", type=Path, required=True, help="validation.csv")
    parser.add_argument("--picture", type=Path, required=True, help="training.png, to write")
    arguments = parser.parse_args()
    log, losses = read_table(arguments.log), read_table(arguments.losses)
    with replacing(arguments.picture) as path:
        draw_curves(log, losses).save(path)
    print(f"draw_training: steps {len(log)}/{len(log)}, validations {len(losses)}/{len(losses)}")


if __name__ == "__main__":
    run_command(main)
