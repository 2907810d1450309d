"""The page of an audit: every photo with its description, its caption and tokens, and the findings above."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from darkroom.captions.audit import Finding, printable_name
from darkroom.contracts.caption_tables import FrameCaption
from darkroom.imaging.contact_sheet import reduced
from darkroom.imaging.thumbnails import load_thumbnail
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache

SIDE = 160
MOST_ROWS = 1200  # a page that people look at; the table has all
# Captions come from models and strangers: the page runs no script and loads nothing, whatever they hold.
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #1e1e1e;
       background: #fafaf8; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .5em .7em; border-top: 1px solid #ddd; }}
.text {{ overflow-wrap: anywhere; }}
.error {{ color: #c43e32; font-weight: 600; }} .warning {{ color: #9a6400; }} .quiet {{ color: #777; }}
.number {{ text-align: right; }}
</style></head><body>
"""


def draw_page(
    title: str,
    summary: str,
    findings: Sequence[Finding],
    captions: Sequence[FrameCaption],
    photos: Mapping[str, PhotoFile],
    folder: Path,
    cache: Cache,
) -> str:
    """The page as one file of HTML. `photos` gives the photo of each frame.

    Of more than MOST_ROWS captions those with an error come first and the rest is left out, and the page says so.
    """
    wrong = {frame for finding in findings if finding.level == "error" for frame in finding.frames.split()}
    shown = sorted(captions, key=lambda row: (row.frame not in wrong, row.frame))[:MOST_ROWS]
    more = f"<p class=quiet>{len(shown)} of {len(captions)} are shown.</p>\n" if len(shown) < len(captions) else ""
    rows = [_row(row, row.frame in wrong, photos[row.frame], folder, cache) for row in shown]
    return (
        HEAD.format(title=html.escape(title))
        + f"<h1>{html.escape(title)}</h1>\n<p>{html.escape(summary)}</p>\n{_findings(findings)}{more}"
        + "<table><tr><th>photo<th>description<th>caption<th class=number>tokens</tr>\n"
        + "\n".join(rows)
        + "\n</table></body></html>\n"
    )


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>The audit found nothing.</p>\n"
    lines = ["<table><tr><th>level<th>finding<th>words<th class=number>share<th>cause<th>frames</tr>"]
    for finding in findings:
        share = "" if finding.share is None else f"{finding.share:.0%}"
        frames = finding.frames.split()
        named = " ".join(frames[:4]) + (f" and {len(frames) - 4} more" if len(frames) > 4 else "")
        cells = "".join(f"<td class=text>{html.escape(text)}" for text in (finding.finding, finding.words))
        lines.append(
            f"<tr><td class={finding.level}>{finding.level}{cells}<td class=number>{share}"
            f"<td>{html.escape(finding.cause)}<td>{html.escape(named)}</tr>"
        )
    return "\n".join([*lines, "</table><p></p>\n"])


def _row(row: FrameCaption, wrong: bool, photo: PhotoFile, folder: Path, cache: Cache) -> str:
    picture = reduced(load_thumbnail(cache, photo, folder), SIDE)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=85)
    encoded = base64.b64encode(data.getvalue()).decode("ascii")
    caption = f'<td class="text{" error" if wrong else ""}">{html.escape(row.caption)}'
    name = printable_name(photo.path)
    source = f"{row.source}, polished" if row.polished == "yes" else row.source
    return (
        f'<tr><td class=text><img src="data:image/jpeg;base64,{encoded}" width={picture.width} '
        f'height={picture.height} alt="">'
        f"<br>{html.escape(name)}<br><span class=quiet>{html.escape(row.frame)}</span>"
        f"<td class=text>{html.escape(row.description)}<br><span class=quiet>{html.escape(source)}</span>"
        f"{caption}<td class=number>{row.tokens}</tr>"
    )
