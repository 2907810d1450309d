"""A project for benchmarks: the pocket models of this checkout, whatever the working directory."""

import shutil
from pathlib import Path
from typing import Any

import yaml
from measured_snakemake import Measurement, snakemake

ROOT = Path(__file__).resolve().parents[1]


def pocket_config(project: str, photos: str, target: str, shards: int) -> dict[str, Any]:
    """A config whose models lie in this checkout, on the CPU."""
    return {
        "project": project,
        "photos": photos,
        "subject": {"trigger": "mimi_toy", "class": "toy", "kind": "object"},
        "targets": [target],
        "shards": shards,
        "masks": {"model": str(ROOT / "resources" / "models" / "u2netp.onnx")},
        "captioner": {"model": str(ROOT / "resources" / "pocket" / "florence2")},
        "evaluation": {"clip": str(ROOT / "resources" / "pocket" / "clip")},
        "compute": {"device": "cpu"},
    }


def write_project(folder: Path, config: dict[str, Any]) -> None:
    """Make a folder with a config in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def run_project(folder: Path, *arguments: str) -> Measurement:
    """Run the workflow on the project of a folder, and measure it."""
    config = str(folder / "config.yaml")
    return snakemake(folder, "--snakefile", str(ROOT / "Snakefile"), "--configfile", config, *arguments)


def run_from_nothing(folder: Path, photos: Path, targets: list[str], shards: int) -> Measurement:
    """Make some tables of the project `photos` in an emptied folder, and measure that."""
    shutil.rmtree(folder, ignore_errors=True)
    write_project(folder, pocket_config("photos", str(photos), "pocket-sdxl", shards))
    return run_project(folder, "--", *(f"results/photos/{target}" for target in targets))
