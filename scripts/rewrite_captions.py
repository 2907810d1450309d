"""Write each frame's caption in the dialect of a target, with the trigger put in."""

from collections import Counter
from pathlib import Path

from darkroom.captions.caption_sources import describe_photos, read_sidecars
from darkroom.captions.rewriting import rewrite
from darkroom.captions.settings import RewritingSettings, SubjectSettings
from darkroom.command import run_command, stage_parser
from darkroom.families import family
from darkroom.model_lock import read_lock
from darkroom.overrides import read_overrides
from darkroom.tables import read_table, write_table

COLUMNS = ("frame", "caption", "tokens", "source")


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--captions", type=Path, required=True, help="captions.csv of the captioner")
    parser.add_argument("--frames", type=Path, required=True, help="frames.csv of the target")
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv, which names the sidecars")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the photos, where the sidecars lie")
    parser.add_argument("--overrides", nargs="?", help="overrides.csv; none where empty")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the target's model, for its tokenizers")
    parser.add_argument("--family", required=True)
    parser.add_argument("--subject", required=True, help="SubjectSettings as JSON")
    parser.add_argument("--settings", required=True, help="RewritingSettings as JSON")
    parser.add_argument("--table", type=Path, required=True, help="captions of the frames, to write")
    arguments = parser.parse_args()
    subject = SubjectSettings.from_argument(arguments.subject)
    settings = RewritingSettings.from_argument(arguments.settings)
    photos = read_table(arguments.photos)
    frames = {row["frame"]: row["photo"] for row in read_table(arguments.frames) if row["status"] == "ok"}
    described = describe_photos(
        sorted(set(frames.values())),
        read_table(arguments.captions),
        read_sidecars(photos, arguments.folder),
        read_overrides(Path(arguments.overrides) if arguments.overrides else None, photos),
    )
    model = family(arguments.family)
    tokenizers = model.load_tokenizers(read_lock(arguments.model).path)
    fits = model.token_limit(tokenizers)
    limit = min(settings.max_tokens or fits, fits)
    rows = []
    for frame, photo in frames.items():
        text = rewrite(
            described[photo].text, subject, settings.style, lambda text: model.count_tokens(tokenizers, text), limit
        )
        tokens = model.count_tokens(tokenizers, text)
        rows.append({"frame": frame, "caption": text, "tokens": tokens, "source": described[photo].source})
    write_table(arguments.table, COLUMNS, rows)
    sources = Counter(str(row["source"]) for row in rows)
    by_source = ", ".join(f"{source} {sources[source]}" for source in sorted(sources)) or "none"
    longest = max((int(str(row["tokens"])) for row in rows), default=0)
    print(f"rewrite_captions: captions used {len(rows)}/{len(frames)} ({by_source}), longest {longest}/{limit} tokens")


if __name__ == "__main__":
    run_command(main)
