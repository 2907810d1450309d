"""Describe the selected photos of a shard with the captioner."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.captions.captioners import MODULES, caption_of, captioner_kind, deciding_settings, load_captioner
from darkroom.captions.photo_captions import caption_keys, caption_photos
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.contracts.caption_tables import PhotoCaption
from darkroom.contracts.selection_table import read_selected
from darkroom.imaging import open_photo
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.lock import read_lock
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "a shard's table of photos"]
    selection: Annotated[Path, "selection.csv"]
    model: Annotated[Path, "lock file of the captioner"]
    folder: Annotated[Path, "folder of the photos"]
    settings: CaptionerSettings
    subject_class: Annotated[str, "the common word for the subject, which always stays"]
    compute: ComputeSettings
    cache: Path
    table: Annotated[Path, "captions of the shard, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    compute = arguments.compute
    model = read_lock(arguments.model)
    kind = captioner_kind(model.path)
    selected = read_selected(arguments.selection)
    readable = readable_photos(read_photos(arguments.photos))
    photos = {name: photo for name, photo in readable.items() if name in selected}
    keys = caption_keys(
        photos,
        model=model.digest,
        settings=deciding_settings(kind, settings),
        device=compute.device,
        threads=compute.inference_threads,
        code=code_version(*open_photo.MODULES, *MODULES[kind]),
    )
    answers, computed = caption_photos(
        photos,
        keys,
        Cache(arguments.cache / "captions"),
        settings.batch,
        arguments.folder,
        lambda: load_captioner(model.path, settings, compute),
    )
    captions = {photo: caption_of(answer, settings, arguments.subject_class) for photo, answer in answers.items()}
    source = f"{model.source}@{model.revision}"
    write_rows(arguments.table, PhotoCaption, [PhotoCaption(photo, said, source) for photo, said in captions.items()])
    used = sum(1 for caption in captions.values() if caption)
    print(f"caption_photos: captions used {used}/{len(photos)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
