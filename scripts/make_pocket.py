"""Make the pocket world: render it, train its captioner and its SDXL, take the toybox photos, measure, write cards."""

import argparse
from pathlib import Path

from darkroom.errors import UserError
from darkroom.jobs.command import run_command


def main() -> None:
    from darkroom.pocket.making import STAGES, make_pocket  # here, so that the Hub is off when it is imported

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the models; the toybox goes beside it")
    parser.add_argument(
        "--work", type=Path, required=True, help="renders and checkpoints; a stopped run continues here"
    )
    parser.add_argument("--stage", choices=["all", *STAGES], default="all")
    parser.add_argument("--share", type=float, default=1.0, help="share of the steps of every training, for a trial")
    parser.add_argument("--threads", type=int, default=1, help="other numbers round differently and give other weights")
    arguments = parser.parse_args()
    if arguments.share <= 0 or arguments.threads < 1:
        raise UserError("--share is to be above 0 and --threads at least 1")
    make_pocket(arguments.output, arguments.work, arguments.stage, arguments.share, arguments.threads)


if __name__ == "__main__":
    run_command(main)
