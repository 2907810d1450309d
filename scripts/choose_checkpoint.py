"""Choose the checkpoint and strength to take, with the reason in words, and record what came of the run."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.choice import write_choice
from darkroom.contracts.evaluation_tables import read_sample_scores, read_scores
from darkroom.contracts.run_record import RunRecord, write_run
from darkroom.contracts.training_tables import read_log, read_validations
from darkroom.evaluation.checkpoint_choice import choose_checkpoint
from darkroom.evaluation.run_results import figures
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command


@dataclass(frozen=True)
class Arguments:
    scores: Annotated[Path, "scores.csv"]
    pictures: Annotated[Path, "sample_scores.csv"]
    validation: Annotated[Path, "validation.csv of the training"]
    log: Annotated[Path, "log.csv of the training"]
    target_name: str
    run: str
    settings: Annotated[str, "what may differ between runs, as JSON"]
    choice: Annotated[Path, "choice.json, to write"]
    record: Annotated[Path, "run.json, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    scores = read_scores(arguments.scores)
    choice = choose_checkpoint(scores, read_sample_scores(arguments.pictures))
    write_choice(arguments.choice, choice)
    result = figures(choice, scores, read_validations(arguments.validation), read_log(arguments.log))
    write_run(arguments.record, RunRecord(arguments.target_name, arguments.run, json.loads(arguments.settings), result))
    print(f"choose_checkpoint: rows {len(scores)}, step {choice.step} at strength {choice.strength}")


if __name__ == "__main__":
    run_command(main)
