"""Draw the labelled grid of a run: prompts by checkpoints, with scores and the chosen one marked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.choice import read_choice
from darkroom.contracts.evaluation_tables import read_scores
from darkroom.contracts.frame_names import one_per_view
from darkroom.contracts.manifest import read_manifest
from darkroom.contracts.rendered_tables import read_samples
from darkroom.evaluation.sample_grid import draw_grid
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.files import replacing


@dataclass(frozen=True)
class Arguments:
    samples: Annotated[Path, "samples.csv, beside the folder samples/"]
    scores: Annotated[Path, "scores.csv"]
    choice: Annotated[Path, "choice.json"]
    manifest: Path
    images: Annotated[Path, "folder of the dataset's pictures"]
    grid: Annotated[Path, "grid.png, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    samples = read_samples(arguments.samples)
    frames = read_manifest(arguments.manifest)
    held_out = one_per_view(frame.frame for frame in frames if frame.split == "held_out")
    photos = [arguments.images / f"{frame}.png" for frame in held_out]
    grid = draw_grid(
        samples, read_scores(arguments.scores), read_choice(arguments.choice), arguments.samples.with_suffix(""), photos
    )
    with replacing(arguments.grid) as path:
        grid.save(path)
    print(f"draw_grid: pictures {len(samples)}/{len(samples)}, {grid.width} x {grid.height} pixels")


if __name__ == "__main__":
    run_command(main)
