"""Describe the selected photos of a shard with Florence-2."""

from pathlib import Path

from darkroom import open_photo
from darkroom.cache import Cache, code_version
from darkroom.captions import florence
from darkroom.captions.photo_captions import (
    CAPTION_COLUMNS,
    caption_keys,
    caption_photos,
    caption_rows,
    selected_photos,
)
from darkroom.captions.settings import CaptionerSettings
from darkroom.command import run_command, stage_parser
from darkroom.model_lock import LockedModel, read_lock
from darkroom.settings import ComputeSettings
from darkroom.tables import read_table, write_table


def load(model: LockedModel, settings: CaptionerSettings, compute: ComputeSettings) -> florence.Describe:
    """Load the captioner; called only where a caption is missing."""
    captioner = florence.load_captioner(model.path, settings, compute)
    return lambda pictures: florence.describe(captioner, pictures)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a shard's table of photos")
    parser.add_argument("--selection", type=Path, required=True, help="selection.csv")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the captioner")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the photos")
    parser.add_argument("--settings", required=True, help="CaptionerSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True, help="captions of the shard, to write")
    arguments = parser.parse_args()
    settings = CaptionerSettings.from_argument(arguments.settings)
    compute = ComputeSettings.from_argument(arguments.compute)
    model = read_lock(arguments.model)
    photos = selected_photos(read_table(arguments.photos), read_table(arguments.selection))
    keys = caption_keys(
        photos,
        model=model.digest,
        settings=settings.model_dump(exclude={"model", "revision"}),
        device=compute.device,
        threads=compute.inference_threads,
        code=code_version(florence, *open_photo.MODULES),
    )
    captions, computed = caption_photos(
        photos,
        keys,
        Cache(arguments.cache / "captions"),
        settings.batch,
        arguments.folder,
        lambda: load(model, settings, compute),
    )
    write_table(arguments.table, CAPTION_COLUMNS, caption_rows(captions, f"{model.source}@{model.revision}"))
    used = sum(1 for caption in captions.values() if caption)
    print(f"caption_photos: captions used {used}/{len(photos)}, computed {computed}")


if __name__ == "__main__":
    run_command(main)
