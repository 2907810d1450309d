"""Lay out the dataset as a folder of pictures, captions and masks that any trainer reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.manifest import read_manifest
from darkroom.dataset.export import export_frames
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.storage.files import write_sums


@dataclass(frozen=True)
class Arguments:
    manifest: Annotated[Path, "manifest.json"]
    source: Annotated[Path, "the target's folder, with frames and masks in it"]
    images: Annotated[Path, "folder of pictures and captions, to write"]
    masks: Annotated[Path, "folder of masks, to write"]
    sums: Annotated[Path, "SHA256SUMS of both folders, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    frames = read_manifest(arguments.manifest)
    write_sums(arguments.sums, export_frames(frames, arguments.source, arguments.images, arguments.masks))
    count = f"{len(frames)}/{len(frames)}"
    print(f"export_dataset: pictures {count}, captions {count}, masks {count}")


if __name__ == "__main__":
    run_command(main)
