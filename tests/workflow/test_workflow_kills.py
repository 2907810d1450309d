"""Killed, without disk, without memory, twice at once: the next run ends as if nothing had happened."""

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Checkout, jobs, make_checkout, started
from kill import COMMAND, running_jobs, start_walk, try_kill, walk_undisturbed
from rerun_cases import CASES, comment
from results_bytes import final_bytes
from walk_checks import Undisturbed, Walk, finished, leftovers

MINI = ("--configfile", "config/mini.yaml")
# The first rooms only: masks of a few photos in seconds, one model, and folders of links.
FRAMING = (*MINI, "--until", "gather_masks")
MASKS = "results/mini/masks.csv"
# The first files of the garden, and how many photos they are: one is an exact copy.
FILES, PHOTOS = 5, 4


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The walk without a kill, measured."""
    return walk_undisturbed(make_checkout(tmp_path_factory.mktemp("undisturbed") / "darkroom"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "stage", "share"),
    [("snakemake", "train_lora", 0.5), ("group", None, 0.85)],
)
def test_a_killed_walk_ends_like_an_undisturbed_one(
    undisturbed: Undisturbed, tmp_path: Path, victim: str, stage: str | None, share: float
) -> None:
    random.seed(1)
    moment = share * (undisturbed.rule_seconds[stage] if stage else undisturbed.seconds)
    trial = try_kill(tmp_path / "darkroom", undisturbed, victim, moment, stage)
    assert trial.problems == []
    if stage is not None:
        assert stage in trial.running


@pytest.fixture
def few(checkout: Checkout) -> Checkout:
    """A checkout with the first photos in place of all."""
    for path in sorted((checkout.folder / "resources/toybox/photos/garden").iterdir())[FILES:]:
        path.unlink()
    return checkout


def start_framing(checkout: Checkout, name: str) -> Walk:
    return start_walk(checkout, name, "--until", "gather_masks")


def wait_for_job(walks: list[Walk], rule: str) -> int:
    """The number of a process at work on a rule, started by one of the runs of a checkout."""
    while any(walk.process.poll() is None for walk in walks):
        for number, running in running_jobs(walks[0].checkout).items():
            if running == rule:
                return number
        time.sleep(0.05)
    raise AssertionError(f"the run ended before a job of {rule} was seen\n{walks[0].text()}")


def test_orphans_end_and_the_next_run_does_the_rest(few: Checkout) -> None:
    first = start_framing(few, "first")
    orphan = wait_for_job([first], "mask_subjects")
    first.process.kill()
    first.process.wait()
    again = start_framing(few, "again")
    while Path(f"/proc/{orphan}").exists():
        time.sleep(0.05)
    assert again.process.wait(timeout=300) == 0
    assert finished(first.text()) + started(again.text()) == {
        **{"survey_photos": 1, "fetch_model": 1, "mask_subjects": 1, "gather_masks": 1}
    }
    assert list(leftovers(few)) == []


def test_a_killed_job_is_told_of(few: Checkout) -> None:
    first = start_framing(few, "first")
    os.kill(wait_for_job([first], "mask_subjects"), signal.SIGKILL)
    assert first.process.wait(timeout=300) == 1
    assert (
        first.text().count("darkroom: error: a job was killed (SIGKILL), mostly because the memory did not suffice")
        == 1
    )
    assert "Traceback" not in first.text()
    few.snakemake(*FRAMING)
    assert list(leftovers(few)) == []


def test_a_job_killed_on_top_of_finished_results_is_made_up_for(mini: Checkout) -> None:
    """Snakemake deletes what the job had made before, and forgets the failure."""
    before = final_bytes(mini, "mini")
    comment("framing/quality_scores.py")(mini.folder)
    walk = start_walk(mini, "killed")
    os.kill(wait_for_job([walk], "score_quality"), signal.SIGKILL)
    assert walk.process.wait(timeout=300) == 1
    assert "score_quality" in mini.snakemake("explain", *MINI).stdout
    assert set(jobs(mini.snakemake(*MINI))) == CASES["module of scores"].runs
    assert final_bytes(mini, "mini") == before


@pytest.mark.slow
def test_without_memory_a_stage_ends_in_one_line(few: Checkout) -> None:
    limit = 600 * 2**20
    done = subprocess.run(
        [*COMMAND, "--until", "gather_masks"],
        cwd=few.folder,
        env=few.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert said.count("darkroom: error: the memory did not suffice") == 1
    assert "Traceback" not in said
    assert "survey_photos" in finished(said)
    again = few.snakemake(*FRAMING)
    assert "survey_photos" not in jobs(again)
    assert (few.folder / MASKS).exists()


@contextlib.contextmanager
def small_disks(checkout: Checkout, **sizes: str) -> Iterator[None]:
    """Let folders of a checkout be file systems of their own, in memory and of a given size."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a file system needs root")
    mounted = []
    try:
        for name, size in sizes.items():
            folder = checkout.folder / name.replace("darkroom", ".darkroom")
            folder.mkdir(exist_ok=True)
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                pytest.skip("no file system may be mounted here")
            mounted.append(folder)
        yield
    finally:
        for folder in mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a failed run tells its user, without a traceback."""
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    return [line for line in said.splitlines() if line.startswith("darkroom: error:")]


@pytest.mark.parametrize(
    ("results", "cache", "named"),
    [
        ("48k", "40m", "results/mini/shards/masks"),
        pytest.param("40m", "140k", ".darkroom/cache", marks=pytest.mark.slow),
        pytest.param("40m", "4k", ".darkroom", marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_one_line_and_nothing_is_lost(few: Checkout, results: str, cache: str, named: str) -> None:
    with small_disks(few, results=results, darkroom=cache):
        lines = told(few.snakemake(*FRAMING, check=False))
        assert len(lines) == 1
        assert "the disk is full; free some space on it" in lines[0]
        assert named in lines[0]
        masks = len(list((few.folder / ".darkroom" / "cache").glob("masks/*/*.json")))
        for folder in ("results", ".darkroom"):
            remount(few.folder / folder, "size=60m")
        few.snakemake(*FRAMING)
        assert few.computed("mini", "mask_subjects") == PHOTOS - masks
        assert list(leftovers(few)) == []
        assert len(list((few.folder / "results/mini/masks").glob("*.png"))) == PHOTOS


@pytest.mark.parametrize("folder", ["results", pytest.param(".darkroom", marks=pytest.mark.slow)])
def test_read_only_folders_are_one_line_and_nothing_is_lost(few: Checkout, folder: str) -> None:
    with small_disks(few, results="40m", darkroom="40m"):
        few.snakemake(*MINI, "--until", "survey_photos")
        (few.folder / "results" / "mini" / "kept.txt").write_text("a user's")
        remount(few.folder / folder, "ro")
        lines = told(few.snakemake(*FRAMING, check=False))
        assert len(lines) == 1
        assert f"{folder}/" in lines[0]
        assert "read-only file system; make it writable" in lines[0]
        few.snakemake(*FRAMING, "-n")
        remount(few.folder / folder, "rw")
        assert "survey_photos" not in jobs(few.snakemake(*FRAMING))
        assert (few.folder / "results" / "mini" / "kept.txt").exists()


def test_an_index_that_cannot_be_written_is_one_line(few: Checkout) -> None:
    with small_disks(few, darkroom="40m"):
        remount(few.folder / ".darkroom", "ro")
        lines = told(few.snakemake(*FRAMING, "-n", check=False))
        assert len(lines) == 1
        assert ".darkroom/index: this lies on a read-only file system" in lines[0]


def test_of_two_runs_at_once_one_works_and_one_says_why_not(few: Checkout) -> None:
    walks = [start_framing(few, name) for name in ("one", "two")]
    # It stands still for as long as this takes.
    job = wait_for_job(walks, "mask_subjects")
    os.kill(job, signal.SIGSTOP)
    try:
        planned = few.snakemake(*FRAMING, "-n")
    finally:
        os.kill(job, signal.SIGCONT)
    assert "mask_subjects" in jobs(planned)
    ends = {walk.process.wait(timeout=300): walk for walk in walks}
    assert set(ends) == {0, 1}
    assert "another run works on these results (process " in ends[1].text()
    assert started(ends[1].text()).total() == 0
    assert started(ends[0].text()).total() == 4
    assert jobs(few.snakemake(*FRAMING)).total() == 0
