"""A new stage goes where CONTRIBUTING.md says, is planned with all others, and runs."""

from pathlib import Path

from checkout import Checkout, jobs

from darkroom.storage.tables import read_table

MINI = ("--configfile", "config/mini.yaml")
SCRIPT = '''"""Count the photos by their format."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.photo_folder.photo_table import read_photos
from darkroom.photos.formats import COLUMNS, count_formats
from darkroom.storage.tables import write_table


@dataclass(frozen=True)
class Arguments:
    photos: Path
    table: Path


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    write_table(arguments.table, COLUMNS, count_formats(read_photos(arguments.photos)))


if __name__ == "__main__":
    run_command(main)
'''
FUNCTION = '''"""How many photos there are of each format."""

from collections import Counter
from collections.abc import Iterable

from darkroom.photo_folder.photo_table import PhotoFile, readable_photos

COLUMNS = ("format", "photos")


def count_formats(files: Iterable[PhotoFile]) -> list[dict[str, object]]:
    """The rows of formats.csv."""
    counts = Counter(photo.format for photo in readable_photos(files).values())
    return [{"format": name, "photos": count} for name, count in counts.items()]
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


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_new_stage_is_planned_and_runs(mini: Checkout) -> None:
    """On top of finished results it is the one job there is to do; an edit of its function makes it run again."""
    folder = mini.folder
    (folder / "scripts" / "count_formats.py").write_text(SCRIPT)
    function = folder / "scripts" / "darkroom" / "photos" / "formats.py"
    function.write_text(FUNCTION)
    append(folder / "workflow" / "rules" / "photos.smk", RULE)
    wanted = folder / "workflow" / "rules" / "final_outputs.smk"
    text = wanted.read_text()
    assert text.count("*outputs(rules.gather_photos,") == 1
    wanted.write_text(
        text.replace("*outputs(rules.gather_photos,", "*outputs(rules.count_formats, rules.gather_photos,")
    )
    assert jobs(mini.snakemake(*MINI)) == {"count_formats": 1}
    assert read_table(folder / "results" / "mini" / "formats.csv") == [{"format": "JPEG", "photos": "22"}]
    append(function, "# edited\n")
    assert jobs(mini.snakemake("-n", *MINI)) == {"count_formats": 1}
