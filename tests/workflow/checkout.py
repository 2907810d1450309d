"""A checkout in which Snakemake runs as a user would run it, and counts of what ran."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTED_IMPORTS = Path(__file__).parent / "noted_imports"
CHECKOUT = ["Snakefile", "workflow", "scripts", "config", "profiles", "envs", "requirements.lock", "resources"]


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, for one test or for several."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """The environment of a command: the tests' own interpreter, the Hub out of reach unless a test has one."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {"HF_HUB_OFFLINE": "1"} | os.environ | {"PATH": path}

    @property
    def imported(self) -> Path:
        """The folder, beside the checkout, of what processes have loaded, where that was noted."""
        return self.folder.with_name("imported")

    def noting_environment(self) -> dict[str, str]:
        """The environment of a command whose processes note what they have loaded."""
        self.imported.mkdir(exist_ok=True)
        return self.environment() | {"PYTHONPATH": str(NOTED_IMPORTS), "NOTED_IMPORTS": str(self.imported)}

    def snakemake(
        self, *arguments: str, check: bool = True, note_imports: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on two cores; its output comes back as text."""
        command = ["snakemake", "--cores", "2", *arguments]
        environment = self.noting_environment() if note_imports else self.environment()
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=1200)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def loaded(self, script: str) -> set[str]:
        """The modules that any process of a script has loaded, where that was noted."""
        notes = [path.read_text(encoding="utf-8") for path in self.imported.glob(f"{script}-*")]
        assert notes, f"no job has run {script}"
        return {module for note in notes for module in note.split()}

    def computed(self, project: str, rule: str) -> int:
        """How many inferences the latest jobs of a rule say they did."""
        return self.inferences(project)[rule]

    def inferences(self, project: str, since: float = 0.0) -> Counter[str]:
        """What the jobs that ended after a time (in seconds, as `time.time`) say they computed, by rule."""
        counts: Counter[str] = Counter()
        for log in (self.folder / "logs" / project).rglob("*.log"):
            if log.stat().st_mtime >= since:
                rule = log.relative_to(self.folder / "logs" / project).parts[0].removesuffix(".log")
                counts[rule] += sum(int(number) for number in re.findall(r"computed (\d+)", log.read_text()))
        return +counts

    def copy(self, folder: Path) -> "Checkout":
        """The same checkout with its results, times included, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder)


def jobs(done: subprocess.CompletedProcess[str]) -> Counter[str]:
    """The jobs that a run started (or a dry run planned), by rule, without the target rule."""
    return started(done.stdout + done.stderr)


def started(text: str) -> Counter[str]:
    """The jobs that Snakemake says it starts or plans, by rule, without the target rule."""
    return counted(r"^(?:local)?(?:rule|checkpoint) (\w+):$", text)


def counted(pattern: str, text: str) -> Counter[str]:
    """How often each rule but the target rule is named by a pattern."""
    return Counter(name for name in re.findall(pattern, text, flags=re.MULTILINE) if name != "all")


def make_checkout(folder: Path) -> Checkout:
    """Copy what git would give, and the models, into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in CHECKOUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    return Checkout(folder)


def finished_walk(folder: Path) -> Checkout:
    """A checkout in which config/mini.yaml has run to its end, and beside it what its jobs have loaded."""
    finished = make_checkout(folder)
    finished.snakemake("--configfile", "config/mini.yaml", note_imports=True)
    return finished
