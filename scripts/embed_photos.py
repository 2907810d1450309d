"""Find the nearest photos of each in an embedding: further candidates for copies."""

from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.config.photos import DuplicateSettings
from darkroom.contracts.photo_vectors import write_vectors
from darkroom.jobs.command import run_command, stage_parser
from darkroom.models.clip_vectors import ClipVectors
from darkroom.models.lock import read_lock
from darkroom.photos.pairs import MOST, numbered
from darkroom.photos.photo_embeddings import COLUMNS, embed_photos, neighbours
from darkroom.storage.cache import Cache
from darkroom.storage.tables import read_table, write_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--folder", type=Path, required=True, help="the photos folder")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the open_clip model")
    parser.add_argument("--settings", required=True, help="DuplicateSettings as JSON")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True, help="the photos' vectors, .npy")
    arguments = parser.parse_args()
    settings = DuplicateSettings.from_argument(arguments.settings)
    compute = ComputeSettings.from_argument(arguments.compute)
    model = read_lock(arguments.model)
    photos = numbered(read_table(arguments.photos))
    clip = ClipVectors(
        model, compute.device, compute.inference_threads, Cache(arguments.cache / "embeddings"), "duplicates.embedding"
    )
    vectors = embed_photos(photos, arguments.folder, Cache(arguments.cache / "thumbnails"), clip)
    write_vectors(arguments.vectors, [photo["photo"] for photo in photos], vectors)
    found = neighbours(vectors, settings.min_similarity, MOST)
    rows = [
        {"photo": photos[first]["photo"], "other": photos[second]["photo"], "similarity": found[first, second]}
        for first, second in sorted(found)
    ]
    write_table(arguments.table, COLUMNS, rows)
    print(f"embed_photos: photos {len(photos)}, pairs {len(rows)}, computed {clip.computed}")


if __name__ == "__main__":
    run_command(main)
