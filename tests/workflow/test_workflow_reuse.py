"""Darkroom from elsewhere: a project outside the checkout, and a module of another workflow."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from checkout import ROOT, Checkout, jobs, make_checkout

from darkroom.runs.run_lock import hold_run_lock

MINI = ("--configfile", "config/mini.yaml")
OUTER = """\
configfile: "outer.yaml"


module darkroom:
    snakefile:
        "{checkout}/workflow/Snakefile"
    config:
        config["darkroom"]


use rule * from darkroom as darkroom_*


rule count_frames:
    default_target: True
    input:
        "results/mini/pocket-mini/dataset/manifest.json",
    output:
        "frames.txt",
    shell:
        "grep -c '\\"frame\\"' {{input}} > {{output}}"


onstart:
    darkroom.lock_results()
"""


def result_bytes(folder: Path) -> dict[str, bytes]:
    """Every result but the lock files, which say where models lie, and the log and its curves, which hold times."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if path.parent.name not in ("models", "tensorboard") and path.name != "log.csv"
    }


class Outside(NamedTuple):
    """A project that does not lie in the checkout: where both are, and the command that runs it."""

    checkout: Checkout
    project: Path
    command: list[str]

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it to its end, in the folder that holds both."""
        environment = self.checkout.environment()
        done = subprocess.run(self.command, cwd=self.project.parent, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done


def project_outside(finished: Checkout, folder: Path, *arguments: str) -> Outside:
    """A project with the cache of a finished one inside, so that nothing in that depends on where a project lies."""
    checkout = make_checkout(folder / "a check out")
    project = folder / "my project"
    shutil.copytree(finished.folder / ".darkroom", project / ".darkroom")
    shutil.copyfile(ROOT / "config" / "mini.yaml", project / "my.yaml")
    command = ["snakemake", "--cores", "2", "--snakefile", str(checkout.folder / "Snakefile")]
    command += ["--directory", "my project", "--configfile", "my project/my.yaml", *arguments]
    return Outside(checkout, project, command)


def assert_same_as_inside(outside: Outside, here: dict[str, bytes], there: dict[str, bytes]) -> None:
    """The same bytes, nothing computed, no word of where the project lies, and nothing left in the checkout."""
    assert not Checkout(outside.project).inferences("mini")
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []
    places = str(outside.project.parent).encode()
    assert [name for name, data in here.items() if places in data] == []
    folder = outside.checkout.folder
    assert not (folder / "results").exists() and not (folder / ".darkroom").exists()


def test_a_dataset_outside_the_checkout_has_the_same_bytes(finished_mini: Checkout, tmp_path: Path) -> None:
    outside = project_outside(finished_mini, tmp_path, "--", "results/mini/pocket-mini/dataset/manifest.json")
    assert jobs(outside.run())["assemble_dataset"] == 1
    assert jobs(outside.run()).total() == 0
    here, inside = result_bytes(outside.project), result_bytes(finished_mini.folder)
    assert len(here) > 50
    assert_same_as_inside(outside, here, {name: data for name, data in inside.items() if name in here})


@pytest.mark.slow
def test_a_project_outside_the_checkout_gives_the_same_bytes(finished_mini: Checkout, tmp_path: Path) -> None:
    outside = project_outside(finished_mini, tmp_path)
    assert jobs(outside.run())["publish_lora"] == 1
    assert jobs(outside.run()).total() == 0
    assert_same_as_inside(outside, result_bytes(outside.project), result_bytes(finished_mini.folder))


def outer_workflow(folder: Path, checkout: Path) -> Checkout:
    """Another workflow that uses Darkroom as a module."""
    folder.mkdir()
    (folder / "Snakefile").write_text(OUTER.format(checkout=checkout))
    mini = yaml.safe_load((ROOT / "config" / "mini.yaml").read_text())
    (folder / "outer.yaml").write_text(yaml.safe_dump({"darkroom": mini}))
    return Checkout(folder)


def test_a_module_of_another_workflow_is_planned_whole(tmp_path: Path) -> None:
    outer = outer_workflow(tmp_path / "outer", make_checkout(tmp_path / "a check out").folder)
    planned = jobs(outer.snakemake("-n", "darkroom_all"))
    assert planned["darkroom_fetch_model"] == 4
    assert planned["darkroom_train_lora"] == planned["darkroom_compare_runs"] == 1


@pytest.mark.slow
def test_a_module_of_another_workflow_runs_up_to_the_manifest(finished_mini: Checkout, tmp_path: Path) -> None:
    outer = outer_workflow(tmp_path / "outer", make_checkout(tmp_path / "a check out").folder)
    shutil.copytree(finished_mini.folder / ".darkroom" / "cache", outer.folder / ".darkroom" / "cache")
    done = outer.snakemake("--max-checksum-file-size", "50MB")
    started = jobs(done)
    assert (
        started["darkroom_fetch_model"] == 3
        and (done.stdout + done.stderr).count("localrule darkroom_fetch_model") == 3
    )
    assert started["darkroom_assemble_dataset"] == started["count_frames"] == 1
    assert started.total() == 20
    manifest = "results/mini/pocket-mini/dataset/manifest.json"
    assert (outer.folder / manifest).read_bytes() == (finished_mini.folder / manifest).read_bytes()
    assert (outer.folder / "frames.txt").read_text() == "14\n"
    assert jobs(outer.snakemake("--max-checksum-file-size", "50MB")).total() == 0


def test_the_module_takes_darkrooms_lock(tmp_path: Path) -> None:
    outer = outer_workflow(tmp_path / "outer", make_checkout(tmp_path / "darkroom").folder)
    held = hold_run_lock(outer.folder / ".darkroom" / "locks" / "mini")
    refused = outer.snakemake(check=False)
    held.close()
    assert refused.returncode == 1
    assert "another run works on these results" in refused.stderr
    assert not (outer.folder / "results").exists()


def test_rules_without_their_scripts_are_one_clear_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workflow", tmp_path / "elsewhere" / "workflow")
    outer = outer_workflow(tmp_path / "outer", tmp_path / "elsewhere")
    done = outer.snakemake("-n", check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("darkroom: error:")]
    assert done.returncode == 1 and len(lines) == 1
    assert "clone the repository" in lines[0]
    assert "Traceback" not in done.stderr


def test_an_edited_model_card_retrains_nothing(mini: Checkout) -> None:
    for card in sorted((mini.folder / "resources" / "pocket").rglob("README.md")):
        card.write_text(card.read_text() + "\nOne more line.\n")
        os.utime(card)
    (mini.folder / "resources" / "pocket" / "sdxl" / "LICENSE").write_text("as you like")
    assert jobs(mini.snakemake(*MINI)).total() == 0
