"""Audit the captions of a target: what must not be trained on, and what the set will teach besides the subject."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.captions.audit import Captioned, audit_captions, audit_sidecars, printable_name
from darkroom.captions.audit_page import draw_page
from darkroom.captions.caption_sources import unread_sidecars
from darkroom.captions.token_counts import load_token_counts
from darkroom.config.captions import RewritingSettings, SubjectSettings
from darkroom.contracts.caption_tables import AuditRow, read_frame_captions, read_photo_captions
from darkroom.contracts.frame_names import one_per_view
from darkroom.contracts.frame_table import read_frames
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos, readable_photos
from darkroom.storage.cache import Cache
from darkroom.storage.files import write_text
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    captions: Annotated[Path, "captions.csv of the target"]
    machine: Annotated[Path, "captions.csv of the captioner"]
    frames: Annotated[Path, "frames.csv of the target"]
    photos: Annotated[Path, "photos.csv"]
    folder: Annotated[Path, "folder of the photos"]
    model: Annotated[Path, "lock file of the target's model, for its tokenizers"]
    family: str
    target: Annotated[str, "name of the target, for the page"]
    subject: SubjectSettings
    settings: RewritingSettings
    cache: Path
    table: Annotated[Path, "findings, to write"]
    page: Annotated[Path, "page with all captions, to write"]


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    subject = arguments.subject
    settings = arguments.settings
    photo_of = {row.frame: row.photo for row in read_frames(arguments.frames)}
    written = read_frame_captions(arguments.captions)
    # A view's frames of other resolutions have the same caption.
    rows = [written[frame] for frame in one_per_view(written)]
    machine = read_photo_captions(arguments.machine)
    counts = load_token_counts(arguments.model, arguments.family, settings)
    trigger_tokens = counts.of_word(subject.trigger)
    captions = [
        Captioned(row.frame, row.caption, row.tokens, machine.get(photo_of[row.frame], ""), row.description)
        for row in rows
    ]
    photos = read_photos(arguments.photos)
    readable = readable_photos(photos)
    photo_of_frame = {row.frame: readable[photo_of[row.frame]] for row in rows}
    findings = audit_captions(captions, subject, settings, counts.limit, trigger_tokens)
    findings += audit_sidecars(unread_sidecars(photos, arguments.folder), photo_of_frame)
    files = {frame: printable_name(photo.path) for frame, photo in photo_of_frame.items()}
    write_rows(arguments.table, AuditRow, (finding.row(files) for finding in findings))
    errors = sum(finding.level == "error" for finding in findings)
    summary = (
        f"captions {len(rows)}, errors {errors}, warnings {len(findings) - errors}, "
        f"the trigger {subject.trigger} has {trigger_tokens} token{'s' * (trigger_tokens != 1)}, "
        f"a caption at most {counts.limit}"
    )
    cache = Cache(arguments.cache / "thumbnails")
    title = f"Captions of {arguments.target}"
    write_text(arguments.page, draw_page(title, summary, findings, rows, photo_of_frame, arguments.folder, cache))
    print(f"audit_captions: {summary}")


if __name__ == "__main__":
    run_command(main)
