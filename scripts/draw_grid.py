"""Draw the labelled grid of a run: prompts by checkpoints, with scores and the chosen one marked."""

from pathlib import Path

from darkroom.contracts.choice import read_choice
from darkroom.contracts.frame_names import one_per_view
from darkroom.evaluation.sample_grid import draw_grid
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.files import read_json, replacing
from darkroom.storage.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--samples", type=Path, required=True, help="samples.csv, beside the folder samples/")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv")
    parser.add_argument("--choice", type=Path, required=True, help="choice.json")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of the dataset's pictures")
    parser.add_argument("--grid", type=Path, required=True, help="grid.png, to write")
    arguments = parser.parse_args()
    samples = read_table(arguments.samples)
    frames = read_json(arguments.manifest)["frames"]
    held_out = one_per_view(frame["frame"] for frame in frames if frame["split"] == "held_out")
    photos = [arguments.images / f"{frame}.png" for frame in held_out]
    grid = draw_grid(
        samples, read_table(arguments.scores), read_choice(arguments.choice), arguments.samples.with_suffix(""), photos
    )
    with replacing(arguments.grid) as path:
        grid.save(path)
    print(f"draw_grid: pictures {len(samples)}/{len(samples)}, {grid.width} x {grid.height} pixels")


if __name__ == "__main__":
    run_command(main)
