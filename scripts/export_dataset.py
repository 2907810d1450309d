"""Lay out the dataset as a folder of pictures, captions and masks that any trainer reads."""

from pathlib import Path

from darkroom.contracts.manifest import read_manifest
from darkroom.dataset.export import export_frames
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.files import write_sums


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.json")
    parser.add_argument("--source", type=Path, required=True, help="the target's folder, with frames and masks in it")
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures and captions, to write")
    parser.add_argument("--masks", type=Path, required=True, help="folder of masks, to write")
    parser.add_argument("--sums", type=Path, required=True, help="SHA256SUMS of both folders, to write")
    arguments = parser.parse_args()
    frames = read_manifest(arguments.manifest)
    write_sums(arguments.sums, export_frames(frames, arguments.source, arguments.images, arguments.masks))
    count = f"{len(frames)}/{len(frames)}"
    print(f"export_dataset: pictures {count}, captions {count}, masks {count}")


if __name__ == "__main__":
    run_command(main)
