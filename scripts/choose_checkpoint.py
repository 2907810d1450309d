"""Choose the checkpoint and strength to take, with the reason in words, and record what came of the run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.project import Target
from darkroom.config.training import TrainingSettings
from darkroom.contracts.choice import write_choice
from darkroom.contracts.run_record import RunRecord, write_run
from darkroom.evaluation.checkpoint_choice import choose_checkpoint
from darkroom.evaluation.run_results import figures, run_settings
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.portable_paths import portable
from darkroom.storage.tables import read_table


@dataclass(frozen=True)
class Arguments:
    scores: Annotated[Path, "scores.csv"]
    pictures: Annotated[Path, "sample_scores.csv"]
    validation: Annotated[Path, "validation.csv of the training"]
    log: Annotated[Path, "log.csv of the training"]
    target_name: str
    run: str
    training: TrainingSettings
    target: Annotated[Target, "the whole target as JSON"]
    choice: Annotated[Path, "choice.json, to write"]
    record: Annotated[Path, "run.json, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    scores = read_table(arguments.scores)
    choice = choose_checkpoint(scores, read_table(arguments.pictures))
    write_choice(arguments.choice, choice)
    result = figures(choice, scores, read_table(arguments.validation), read_table(arguments.log))
    target = arguments.target
    base_model = portable(target.model, Path(__file__).absolute().parents[1])
    settings = run_settings(arguments.training, target, base_model)
    write_run(arguments.record, RunRecord(arguments.target_name, arguments.run, settings, result))
    print(f"choose_checkpoint: rows {len(scores)}, step {choice.step} at strength {choice.strength}")


if __name__ == "__main__":
    run_command(main)
