"""Build a LoRA again from its provenance.json and the photos, and say whether the bytes are the same."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from darkroom.errors import UserError
from darkroom.jobs.command import run_command, stage_parser
from darkroom.publishing.findings import (
    Finding,
    model_finding,
    photo_finding,
    published_findings,
    result_findings,
    settings_findings,
    surroundings_findings,
    told_settings_finding,
)
from darkroom.publishing.record import Record, read_record
from darkroom.publishing.reproduction import find_models, find_photos, lay_out, open_run_dir, rebuild
from darkroom.storage.files import sha256_file

CHECKOUT = Path(__file__).absolute().parents[1]
ENVIRONMENT = dict(os.environ)  # before `run_command` switches the Hub off, which the rebuilding may need


def read_arguments() -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("provenance", type=Path, help="provenance.json, best with the LoRA files beside it")
    parser.add_argument("photos", type=Path, help="folder that holds the photos, under any names")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=PATH", help="where a model lies here")
    parser.add_argument("--work", type=Path, help="new folder to build in (build/reproduced/...)")
    parser.add_argument("--cores", default="all", help="cores that Snakemake may use")
    return parser.parse_args()


def given_models(texts: Sequence[str]) -> dict[str, Path]:
    """The models of `--model NAME=PATH` by name; UserError where one is not of this form."""
    pairs = [text.partition("=") for text in texts]
    for name, sign, path in pairs:
        if not (name and sign and path):
            raise UserError(f"--model: {name}{sign}{path} is not of the form NAME=PATH")
    return {name: Path(path) for name, _, path in pairs}


def finish(findings: Sequence[Finding], same: bool, otherwise: str) -> None:
    """Print the table and the verdict, and end with 0 where the bytes are the same."""
    print("\n".join(map(str, findings)))
    cause = next((f"{found.what} {found.state}: {found.detail}" for found in findings if found.mismatch), otherwise)
    print("reproduce: same bytes" if same else f"reproduce: DIFFERENT: {cause}")
    sys.exit(0 if same else 1)


def compare_beforehand(
    arguments: argparse.Namespace, record: Record, work: Path
) -> tuple[list[Finding], list[Finding]]:
    """What can be compared before anything runs: what makes a rebuilding useless, and what may make it differ.

    Where nothing makes it useless, the folder to build in is laid out.
    """
    from darkroom.config.project import Config
    from darkroom.training.machine import machine_record

    photos = find_photos(arguments.photos, work / "index.json")
    models = find_models(record, given_models(arguments.model), [Path.cwd(), CHECKOUT])
    settings = settings_findings(record, str(arguments.provenance))
    decisive = [photo_finding(record, photos)]
    decisive += [model_finding(name, model, models[name]) for name, model in record.models.items()]
    decisive += [*published_findings(record, arguments.provenance.parent), settings[0]]
    machine = machine_record(Config.model_validate(record.settings.config).compute)
    if not any(finding.mismatch for finding in decisive):
        lay_out(record, photos, models, work)
    return decisive, [settings[1], *surroundings_findings(record, CHECKOUT, machine)]


def main() -> None:
    arguments = read_arguments()
    record = read_record(arguments.provenance)
    name = f"{record.project}-{record.target}-{record.run}-{sha256_file(arguments.provenance)[:8]}"
    work = arguments.work or Path("build", "reproduced", name)
    given_models(arguments.model)
    if record.settings.config.get("masks", {}).get("supplied"):
        raise UserError(
            f"{arguments.provenance}: made with masks of the user's own (masks.supplied), which no record "
            "holds; build it with its own config"
        )
    open_run_dir(work, arguments.provenance, record)
    decisive, others = compare_beforehand(arguments, record, work)
    if any(finding.mismatch for finding in decisive):
        finish(decisive, False, "")
    for finding in others:
        if finding.mismatch:
            print(f"reproduce: warning: {finding.what} differs: {finding.detail}", file=sys.stderr, flush=True)
    made = rebuild(record, work, CHECKOUT, arguments.cores, ENVIRONMENT)
    if made is None:
        finish([*decisive, *others], False, f"the workflow failed in {work}; see its messages above")
    assert made is not None
    published = arguments.provenance.parent
    results = result_findings(record, read_record(made / "provenance.json"), published, made)
    told = told_settings_finding(record, published, made)
    same = all(not finding.mismatch for finding in results if finding.what in record.files)
    finish([*decisive, told, *others, *results], same, "the files differ although all that is recorded is the same")


if __name__ == "__main__":
    run_command(main)
