"""A new stage goes where CONTRIBUTING.md says, is planned with all others, and runs."""

from pathlib import Path

from checkout import Checkout, jobs
from contributing import files_to_touch

from darkroom.storage.tables import read_table

MINI = ("--configfile", "config/mini.yaml")
SCRIPT = '''"""Count the photos by their format."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos
from darkroom.photos.formats import PhotoFormat, count_formats
from darkroom.storage.tables import write_rows


@dataclass(frozen=True)
class Arguments:
    photos: Path
    table: Path


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    write_rows(arguments.table, PhotoFormat, count_formats(read_photos(arguments.photos)))


if __name__ == "__main__":
    run_command(main)
'''
FUNCTION = '''"""How many photos there are of each format."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from darkroom.photo_folder.photo_table import PhotoFile, readable_photos


@dataclass(frozen=True)
class PhotoFormat:
    """How many photos are of a format."""

    format: str
    photos: int


def count_formats(files: Iterable[PhotoFile]) -> list[PhotoFormat]:
    """The rows of formats.csv."""
    counts = Counter(photo.format for photo in readable_photos(files).values())
    return [PhotoFormat(name, count) for name, count in counts.items()]
'''
RULE = '''

rule count_formats:
    """Count the photos by their format."""
    input:
        script=script("count_formats"),
        code=code("count_formats"),
        photos=rules.gather_photos.output.table,
    output:
        table=f"{RESULTS}/formats.csv",
    log:
        f"logs/{CONFIG.project}/count_formats.log",
    conda:
        "../../envs/curate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python {input.script:q} --photos {input.photos} --table {output.table} > {log} 2>&1"
'''


# What a new stage is made of, by its row in the table of CONTRIBUTING.md.
ADDED = {"scripts/RULE.py": SCRIPT, "scripts/darkroom/ROOM/": FUNCTION, "workflow/rules/ROOM.smk": RULE}
NAMES = {"RULE": "count_formats", "ROOM/": "photos/formats.py", "ROOM": "photos"}


def append(path: Path, text: str) -> None:
    path.write_text((path.read_text() if path.exists() else "") + text)


def place_of(named: str) -> str:
    """The place of this stage's file that a row names."""
    for name, own in NAMES.items():
        named = named.replace(name, own)
    return named


def test_a_new_stage_is_planned_and_runs(mini: Checkout) -> None:
    """On top of finished results it is the one job there is to do; an edit of its function makes it run again."""
    final = "workflow/rules/final_outputs.smk"
    assert files_to_touch("stage") - {"docs/ROOM.md", "scripts/darkroom/config/ROOM.py"} == {*ADDED, final}
    for named, text in ADDED.items():
        append(mini.folder / place_of(named), text)
    text = (mini.folder / final).read_text()
    assert text.count("*outputs(rules.gather_photos,") == 1
    text = text.replace("*outputs(rules.gather_photos,", "*outputs(rules.count_formats, rules.gather_photos,")
    (mini.folder / final).write_text(text)
    assert jobs(mini.snakemake(*MINI)) == {"count_formats": 1}
    assert read_table(mini.folder / "results" / "mini" / "formats.csv") == [{"format": "JPEG", "photos": "22"}]
    append(mini.folder / place_of("scripts/darkroom/ROOM/"), "# edited\n")
    assert jobs(mini.snakemake("-n", *MINI)) == {"count_formats": 1}
