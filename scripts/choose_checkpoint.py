"""Choose the checkpoint and strength to take, with the reason in words."""

from pathlib import Path

from darkroom.contracts.choice import write_choice
from darkroom.evaluation.checkpoint_choice import choose_checkpoint
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv")
    parser.add_argument("--pictures", type=Path, required=True, help="sample_scores.csv")
    parser.add_argument("--choice", type=Path, required=True, help="choice.json, to write")
    arguments = parser.parse_args()
    scores = read_table(arguments.scores)
    choice = choose_checkpoint(scores, read_table(arguments.pictures))
    write_choice(arguments.choice, choice)
    print(f"choose_checkpoint: rows {len(scores)}, step {choice.step} at strength {choice.strength}")


if __name__ == "__main__":
    run_command(main)
