"""Decide what exactly is trained on: every frame with its picture, mask, caption and split."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.contracts.caption_tables import read_audit, read_frame_captions
from darkroom.contracts.frame_table import read_cut_frames
from darkroom.contracts.manifest import manifest_json
from darkroom.contracts.selection_table import read_selected
from darkroom.dataset.assembly import join_frames
from darkroom.dataset.caption_errors import refuse_errors
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.files import write_json


@dataclass(frozen=True)
class Arguments:
    selection: Annotated[Path, "selection.csv"]
    photos: Annotated[Path, "photos.csv"]
    frames: Annotated[Path, "frames.csv, beside its folders frames and masks"]
    captions: Annotated[Path, "captions.csv of the target"]
    audit: Annotated[Path, "audit.csv of the target"]
    manifest: Annotated[Path, "manifest.json, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    refuse_errors(read_audit(arguments.audit), arguments.audit)
    cut = read_cut_frames(arguments.frames)
    frames = join_frames(
        cut,
        read_selected(arguments.selection),
        read_frame_captions(arguments.captions),
        readable_photos(read_photos(arguments.photos)),
        arguments.frames.parent,
    )
    write_json(arguments.manifest, manifest_json(frames))
    count = f"{len(frames)}/{len(cut)}"
    splits = Counter(frame.split for frame in frames)
    print(
        f"assemble_dataset: pictures {count}, captions {count}, masks {count} "
        f"(train {splits['train']}, held out {splits['held_out']})"
    )


if __name__ == "__main__":
    run_command(main)
