"""Say in words what Snakemake would run now, and why."""

import argparse
import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from darkroom.errors import UserError
from darkroom.jobs.command import run_command
from darkroom.photo_folder.index import read_index
from darkroom.runs.explanation import PlannedJob, explanation, photo_changes
from darkroom.storage.files import sha256_file, write_json
from darkroom.storage.tables import read_table

# As in the profiles: files up to this size are compared by content.
LARGEST_COMPARED = 50_000_000


def planned_jobs(snakefile: Path, configfile: Path) -> list[PlannedJob]:
    """The jobs that a run with this config would start, each with what is different from its last run.

    Raises UserError with the workflow's own words where it cannot be planned.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings import types

    said = io.StringIO()
    jobs = None
    with (
        contextlib.redirect_stderr(said),
        contextlib.suppress(SystemExit),
        SnakemakeApi(types.OutputSettings(dryrun=True, enable_file_logging=False)) as api,
    ):
        workflow = api.workflow(
            resource_settings=types.ResourceSettings(cores=1),
            config_settings=types.ConfigSettings(configfiles=[configfile]),
            storage_settings=types.StorageSettings(),
            snakefile=snakefile,
        )
        dag = workflow.dag(types.DAGSettings(max_checksum_file_size=LARGEST_COMPARED, force_incomplete=True))
        dag.execute_workflow(executor="dryrun", execution_settings=types.ExecutionSettings(lock=False))
        jobs = _read_plan(workflow._workflow)
    if jobs is None:
        lines = [line.strip() for line in said.getvalue().splitlines() if line.strip()]
        clear = [line.removeprefix("darkroom: error: ") for line in lines if line.startswith("darkroom: error:")]
        raise UserError(" ".join(clear or lines[-3:]) or "the workflow cannot be planned; try `snakemake -n`")
    return jobs


def _read_plan(workflow: Any) -> list[PlannedJob]:
    """The jobs of a planned workflow, those first that others need, targets left out."""
    dag = workflow.dag
    jobs = [
        job for level in dag.toposorted() for job in sorted(level, key=lambda job: (job.rule.name, str(job.output)))
    ]
    planned = [job for job in jobs if job.output and dag.reason(job).finished]
    return [_planned_job(job, dag.reason(job), workflow.persistence) for job in planned]


def _planned_job(job: Any, reason: Any, records: Any) -> PlannedJob:
    causes = {
        "nothing tells how it was made (.snakemake is another's or gone)": [reason.no_metadata],
        "it was interrupted": reason.incomplete_output,
        "its rule was edited": records.code_changed(job),
        "its environment changed": records.software_stack_changed(job),
    }
    settings = records.params_changed(job)
    names = {repr(value): name for name, value in job.params.items()}
    own, recorded = _own_inputs(job), _recorded_inputs(job, records)
    unread = [f"{path.removeprefix('scripts/')} is new" for path in own if path not in recorded]
    photos = _photos(job) if "survey_photos" in job.rule.name and settings else []
    return PlannedJob(
        rule=job.rule.name,
        wildcards=", ".join(f"{name}={value}" for name, value in job.wildcards.items()),
        missing=bool(reason.missing_output),
        causes=(*(words for words, found in causes.items() if any(found)), *photos, *unread),
        changed=tuple(path for path in own if _was_edited(path, job, records)),
        before=tuple(sorted(settings.only_old)) if settings else (),
        now=tuple((names.get(text, ""), text) for text in sorted(settings.only_new)) if settings else (),
        waits=any("checkpoint_target" in file.flags for file in job.input),
    )


def _photos(job: Any) -> list[str]:
    """Which photos came and went since photos.csv was written, the same for the survey of every shard."""
    table = Path(str(job.output[0])).parents[2] / "photos.csv"
    before = {row["path"]: row["photo"] for row in read_table(table)} if table.exists() else {}
    return photo_changes(before, {file.path: file.photo for file in read_index(Path(job.params.index))})


def _own_inputs(job: Any) -> list[str]:
    """The inputs that no job makes: code, a lock, a table of the user."""
    made = {str(file) for before in job.dag.dependencies[job].values() for file in before}
    return [path for path in map(str, job.input) if path not in made]


def _recorded_inputs(job: Any, records: Any) -> set[str]:
    """What the job read when it last ran; what it reads now where it never did."""
    recorded = [records.input(output) for output in job.output]
    return {str(path) for paths in recorded for path in (job.input if paths is None else paths)}


def _was_edited(path: str, job: Any, records: Any) -> bool:
    """Whether an input differs from what the job last read."""
    known = {checksum for checksum in records.input_checksums(job, path) if checksum}
    return bool(known) and Path(path).is_file() and f"sha256:{sha256_file(Path(path))}" not in known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snakefile", type=Path, default=Path(__file__).parents[1] / "Snakefile")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--configfile", type=Path, help="your config")
    source.add_argument("--config", help="a whole config as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configfile = arguments.configfile or Path(folder) / "config.json"
        if arguments.config is not None:
            write_json(configfile, json.loads(arguments.config))
        jobs = planned_jobs(arguments.snakefile, configfile)
    print(explanation(jobs))


if __name__ == "__main__":
    run_command(main)
