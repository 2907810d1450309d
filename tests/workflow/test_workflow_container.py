"""The Containerfile, replayed without a container: its copies and its one installation make a whole checkout."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from checkout import ROOT

HOME = "/opt/darkroom"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile with their arguments."""
    lines = (ROOT / "Containerfile").read_text().splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if re.fullmatch("[A-Z]+", word)]


def copies() -> list[tuple[list[str], str]]:
    """What is copied where."""
    words = [rest.split() for word, rest in instructions() if word == "COPY"]
    return [(each[:-1], each[-1]) for each in words]


def test_whatever_is_copied_is_in_the_repository() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    sources = [source for names, _ in copies() for source in names]
    assert len(sources) >= 10
    for source in sources:
        assert any(path == source or path.startswith(f"{source}/") for path in tracked), source


def test_the_environment_is_that_of_make_setup() -> None:
    runs = [rest for word, rest in instructions() if word == "RUN"]
    assert [run for run in runs if "pip" in run or "uv " in run] == []
    assert runs[1:] == ["make setup && rm -rf build"]
    (command,) = [json.loads(rest) for word, rest in instructions() if word == "CMD"]
    assert command[:3] == ["snakemake", "--snakefile", f"{HOME}/Snakefile"]


def test_the_catalog_knows_how_darkroom_is_used() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage["software-stack-deployment"]) <= {"conda", "apptainer", "apptainer+conda"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"} and usage["report"] is True
    assert (ROOT / "workflow" / "Snakefile").exists() and (ROOT / "config" / "README.md").exists()
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme


@pytest.mark.slow
def test_its_steps_make_a_checkout_that_plans_a_project_elsewhere(tmp_path: Path) -> None:
    """COPY and the RUN of `make setup` in a folder that stands for the image; apt-get and ENV are left to a builder."""
    home, work = tmp_path / "image", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    for word, rest in instructions():
        if word == "COPY":
            *sources, place = rest.split()
            for source in sources:
                copy(ROOT / source, home / place if place.rstrip("/") == source else home / place / Path(source).name)
        if word == "RUN" and "apt-get" not in rest:
            done = subprocess.run(["bash", "-c", rest], cwd=home, capture_output=True, text=True, timeout=1200)
            assert done.returncode == 0, done.stdout + done.stderr
    shutil.copyfile(ROOT / "config" / "mini.yaml", work / "my.yaml")
    (command,) = [json.loads(rest.replace(HOME, str(home))) for word, rest in instructions() if word == "CMD"]
    done = subprocess.run(
        [str(home / ".venv" / "bin" / command[0]), *command[1:], "-n"], cwd=work, capture_output=True, text=True,
        env={"PATH": f"{home}/.venv/bin{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "publish_lora" in done.stdout + done.stderr


def copy(source: Path, place: Path) -> None:
    """Copy as COPY does: a folder's content into a folder, a file to a file. No clone has `resources/models`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        left_out = ("__pycache__", "models") if source.name == "resources" else ("__pycache__",)
        shutil.copytree(source, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*left_out))
    else:
        shutil.copyfile(source, place)
