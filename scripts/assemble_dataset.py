"""Decide what exactly is trained on: every frame with its picture, mask, caption and split."""

from collections import Counter
from pathlib import Path

from darkroom.contracts.manifest import manifest_json
from darkroom.dataset.assembly import join_frames
from darkroom.dataset.caption_errors import refuse_errors
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.files import write_json
from darkroom.storage.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--selection", type=Path, required=True, help="selection.csv")
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--frames", type=Path, required=True, help="frames.csv, beside its folders frames and masks")
    parser.add_argument("--captions", type=Path, required=True, help="captions.csv of the target")
    parser.add_argument("--audit", type=Path, required=True, help="audit.csv of the target")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.json, to write")
    arguments = parser.parse_args()
    refuse_errors(read_table(arguments.audit), arguments.audit)
    rows = read_table(arguments.frames)
    frames = join_frames(
        rows,
        read_table(arguments.selection),
        read_table(arguments.captions),
        read_table(arguments.photos),
        arguments.frames.parent,
    )
    write_json(arguments.manifest, manifest_json(frames))
    count = f"{len(frames)}/{sum(1 for row in rows if row['status'] == 'ok')}"
    splits = Counter(frame.split for frame in frames)
    print(
        f"assemble_dataset: pictures {count}, captions {count}, masks {count} "
        f"(train {splits['train']}, held out {splits['held_out']})"
    )


if __name__ == "__main__":
    run_command(main)
