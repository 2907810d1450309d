"""Group the photos that show one picture: copies of it and shots of one burst."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from PIL import Image

from darkroom.config.photos import DuplicateSettings
from darkroom.contracts.duplicate_table import Relation
from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile, read_photos
from darkroom.photos.candidates import listed_pairs, propose_pairs
from darkroom.photos.duplicate_groups import group_duplicates
from darkroom.photos.duplicate_search import DuplicateSearch
from darkroom.photos.duplicate_sheet import draw_duplicates
from darkroom.photos.fingerprints import read_fingerprints
from darkroom.photos.local_features import FeaturePair, Grey, PhotoFeatures, cached_features, grey_levels
from darkroom.photos.pair_alignments import PairAlignments
from darkroom.photos.pairs import EITHER, Neighbour, numbered
from darkroom.storage.cache import Cache
from darkroom.storage.files import replacing
from darkroom.storage.tables import read_rows, write_rows
from darkroom.storage.threads import on_threads


@dataclass(frozen=True)
class Arguments:
    photos: Annotated[Path, "photos.csv"]
    fingerprints: Annotated[Path, "fingerprints.csv"]
    folder: Annotated[Path, "the photos folder"]
    settings: DuplicateSettings
    cache: Path
    threads: Annotated[int, "photos and pairs looked at side by side"]
    table: Path
    sheet: Annotated[Path, "picture of all groups, to write"]
    neighbours: Annotated[Path | None, "neighbours.csv; none where empty"] = None


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    settings = arguments.settings
    photos = numbered(read_photos(arguments.photos))
    by_name = {photo.photo: photo for photo in photos}
    known = read_fingerprints(arguments.fingerprints)
    fingerprints = [known[photo.photo] for photo in photos]
    thumbnails, feature_cache = Cache(arguments.cache / "thumbnails"), Cache(arguments.cache / "features")

    def load(photo: PhotoFile) -> Image.Image:
        return load_thumbnail(thumbnails, photo, arguments.folder)

    def load_grey(photo: PhotoFile) -> Grey:
        return grey_levels(load(photo))

    def load_features(photo: PhotoFile) -> FeaturePair:
        return cached_features(feature_cache, photo.sha256, partial(load_grey, photo))

    def load_photo_features(name: str) -> PhotoFeatures:
        return PhotoFeatures(*load_features(by_name[name]), partial(load_grey, by_name[name]))

    alignments = PairAlignments(load_photo_features, Cache(arguments.cache / "alignments"), arguments.threads)
    features = progress(on_threads(load_features, photos, arguments.threads), "features", "photos", len(photos))
    proposed = propose_pairs(photos, fingerprints, features, settings)
    if arguments.neighbours is not None:
        proposed |= dict.fromkeys(listed_pairs(photos, read_rows(arguments.neighbours, Neighbour)), EITHER)
    edges = DuplicateSearch(photos, fingerprints, alignments, settings).run(proposed)
    rows = list(group_duplicates(photos, edges))
    write_rows(arguments.table, Relation, rows)
    with replacing(arguments.sheet) as temporary:
        draw_duplicates(rows, by_name, load).save(temporary, "JPEG", quality=88)
    counts = Counter(row.kind for row in rows if row.kind)
    kinds = ", ".join(f"{kind} {counts[kind]}" for kind in sorted(counts)) or "no duplicates"
    groups = len({row.group for row in rows} - {""})
    print(f"group_duplicates: photos {len(rows)}, groups {groups} ({kinds}), alignments computed {alignments.computed}")


if __name__ == "__main__":
    run_command(main)
