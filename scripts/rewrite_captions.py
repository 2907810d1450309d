"""Write each frame's caption in the caption style of a target, with the trigger, and polished where that is asked."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.captions import polisher
from darkroom.captions.caption_sources import describe_photos, read_sidecars
from darkroom.captions.polished_captions import POLISHED, polish_rows
from darkroom.captions.polisher import ask_polisher, polish_prompt
from darkroom.captions.polishing import name_of
from darkroom.captions.target_captions import Target, caption_frames, decide
from darkroom.captions.token_counts import load_token_counts
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import RewritingSettings, SubjectSettings
from darkroom.contracts.caption_tables import FrameCaption, read_photo_captions
from darkroom.contracts.frame_table import read_cut_frames
from darkroom.contracts.overrides import read_overrides
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.lock import read_lock
from darkroom.photo_folder.photo_table import read_photos
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    captions: Annotated[Path, "captions.csv of the captioner"]
    frames: Annotated[Path, "frames.csv of the target"]
    photos: Annotated[Path, "photos.csv, which names the sidecars"]
    folder: Annotated[Path, "folder of the photos, where the sidecars lie"]
    model: Annotated[Path, "lock file of the target's model, for its tokenizers"]
    family: str
    subject: SubjectSettings
    settings: RewritingSettings
    compute: Annotated[ComputeSettings, "ComputeSettings as JSON, of the polishing"]
    cache: Path
    table: Annotated[Path, "captions of the frames, to write"]
    overrides: Annotated[Path | None, "overrides.csv; none where empty"] = None
    polisher: Annotated[Path | None, "lock file of the model that polishes; none where empty"] = None


def polish(
    rows: list[FrameCaption], target: Target, lock: Path, compute: ComputeSettings, cache: Path
) -> tuple[list[FrameCaption], str]:
    """The rows with polished captions where they may stand, and what the log says of it."""
    computed = 0

    def ask(drafts: list[str]) -> dict[str, str]:
        nonlocal computed
        prompts = {draft: polish_prompt(draft, name_of(target.subject), target.settings.style) for draft in drafts}
        code = code_version(*polisher.MODULES)
        answers, computed = ask_polisher(prompts.values(), read_lock(lock), compute, Cache(cache / "polish"), code)
        return {draft: answers[prompt] for draft, prompt in prompts.items()}

    rows, verdicts = polish_rows(rows, target, ask)
    refused = ", ".join(f"{verdict} {count}" for verdict, count in sorted(verdicts.items()) if verdict != POLISHED)
    kept = f" (not: {refused})" if refused else ""
    return rows, f"polished {verdicts[POLISHED]}/{verdicts.total()}{kept}, computed {computed}, "


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    subject = arguments.subject
    settings = arguments.settings
    files = read_photos(arguments.photos)
    frames = {row.frame: row.photo for row in read_cut_frames(arguments.frames)}
    machine = read_photo_captions(arguments.captions)
    described = describe_photos(
        sorted(set(frames.values())),
        machine,
        read_sidecars(files, arguments.folder),
        read_overrides(arguments.overrides, files),
    )
    counts = load_token_counts(arguments.model, arguments.family, settings)
    constant = decide(machine, frames.values(), subject)
    target = Target(subject, settings, counts)
    rows = caption_frames(frames, described, target, constant)
    told = ""
    if arguments.polisher:
        compute = arguments.compute
        rows, told = polish(rows, target, arguments.polisher, compute, arguments.cache)
    write_rows(arguments.table, FrameCaption, rows)
    sources = Counter(row.source for row in rows)
    by_source = ", ".join(f"{source} {sources[source]}" for source in sorted(sources)) or "none"
    longest = max((row.tokens for row in rows), default=0)
    absorbed = ", ".join(sorted({noun for noun, _ in constant})) or "nothing"
    print(
        f"rewrite_captions: captions used {len(rows)}/{len(frames)} ({by_source}), {told}"
        f"longest {longest}/{counts.limit} tokens, worn throughout: {absorbed}"
    )


if __name__ == "__main__":
    run_command(main)
