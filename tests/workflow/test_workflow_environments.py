"""envs/*.yaml hold what the rules that name them need, in the versions of the lock: shown by bare environments."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
import yaml
from checkout import ROOT, Checkout, make_checkout
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from safetensors.numpy import save_file
from write_environments import environment, locked

from darkroom.storage.code_version import stage_code

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
SCRIPTS = ROOT / "scripts"
RULE = re.compile(
    r"^(?:(?:rule|checkpoint) |use rule (?P<base>\w+) as )(?P<name>\w+)(?: with)?:\n(?P<body>.*?)(?=^\S|\Z)",
    flags=re.MULTILINE | re.DOTALL,
)


CONDA = r'conda:\s+"\.\./\.\./envs/(\w+)\.yaml"'


def scripts_by_environment() -> dict[str, set[str]]:
    """Which scripts run in which environment, as the rules say."""
    found: dict[str, set[str]] = defaultdict(set)
    texts = [path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))]
    rules = {rule["name"]: rule for text in texts for rule in RULE.finditer(text)}
    for name, rule in rules.items():
        script = re.search(r'script=script\("(\w+)"\)', rule["body"])
        conda = re.search(CONDA, rule["body"]) or re.search(CONDA, rules[rule["base"] or name]["body"])
        assert script and conda, f"rule {name} names no script or no environment"
        found[conda[1]].add(script[1])
    assert len(rules) >= 30
    return dict(found)


def pins(path: Path) -> dict[str, str]:
    """The lines of the pip part by the name of their package."""
    (parts,) = [part["pip"] for part in yaml.safe_load(path.read_text())["dependencies"] if isinstance(part, dict)]
    return {canonicalize_name(Requirement(line).name): line for line in parts}


def test_every_environment_is_used_and_every_used_one_is_there() -> None:
    assert set(scripts_by_environment()) == {path.stem for path in ENVIRONMENTS}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_pin_is_the_locks(path: Path) -> None:
    lock = locked(ROOT / "requirements.lock")
    assert len(pins(path)) > 10
    assert pins(path) == {name: lock[name] for name in pins(path)}
    assert environment(path.read_text(), lock) == path.read_text(), "run `make environments`"


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_whatever_a_stage_imports_is_in_its_environment(path: Path) -> None:
    """Also what no run on a CPU comes by: optimizers, families that are not trained yet."""
    families = set((SCRIPTS / "darkroom" / "families").glob("[a-z]*.py"))
    distributions = packages_distributions()
    for name in scripts_by_environment()[path.stem]:
        script = SCRIPTS / f"{name}.py"
        files = {script, *stage_code(script, SCRIPTS)}
        if SCRIPTS / "darkroom" / "families" / "__init__.py" in files:
            files |= families | {file for family in families for file in stage_code(family, SCRIPTS)}
        for file in sorted(files):
            # A family serves the captions with its tokenizers alone; its models are loaded in the training only.
            anywhere = file not in families or path.stem == "train"
            for module in imported(file, anywhere) - sys.stdlib_module_names - {"darkroom"}:
                there = {canonicalize_name(each) for each in distributions[module]}
                assert there & set(pins(path)), f"{name} imports {module}, which {path.name} does not hold"


def imported(path: Path, anywhere: bool) -> set[str]:
    """The top-level names of the modules that a file imports, inside functions only where `anywhere`."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def make_environment(path: Path, folder: Path) -> Path:
    """A bare environment with exactly the pins of a file and nothing that they would pull in; its Python."""
    uv = shutil.which("uv") or next(iter(map(str, ROOT.glob("build/uv/bin/uv"))), None)
    wanted = folder.with_suffix(".txt")
    wanted.write_text("".join(f"{line}\n" for line in pins(path).values()))
    python = str(folder / "bin" / "python")
    if uv:
        commands = [[uv, "venv", "--quiet", "--python", sys.executable, str(folder)]]
        commands += [[uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "-r", str(wanted)]]
        commands += [[uv, "pip", "check", "--python", python]]
    else:
        commands = [[sys.executable, "-m", "venv", str(folder)]]
        commands += [[python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(wanted)]]
        commands += [[python, "-m", "pip", "check"]]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return Path(python)


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The Python of a bare environment for each file."""
    folder = tmp_path_factory.mktemp("environments")
    return {path.stem: make_environment(path, folder / path.stem) for path in ENVIRONMENTS}


def wrapper(folder: Path, pythons: dict[str, Path], used: Path) -> Path:
    """A `python` that runs each script with the Python of its rule's environment and notes that it did."""
    lines = [
        f"  {name}) environment={kind}; python={pythons[kind]} ;;"
        for kind, names in scripts_by_environment().items()
        for name in sorted(names)
    ]
    text = '#!/bin/bash\nname=$(basename "$1" .py)\ncase $name in\n' + "\n".join(lines) + "\n"
    text += (
        f'  *) echo "no rule runs $1" >&2; exit 1 ;;\nesac\necho "$environment $name" >> {used}\nexec $python -s "$@"\n'
    )
    folder.mkdir()
    (folder / "python").write_text(text)
    (folder / "python").chmod(0o755)
    return folder


@pytest.mark.slow
def test_every_script_explains_itself_in_its_environment(pythons: dict[str, Path]) -> None:
    for kind, names in scripts_by_environment().items():
        for name in sorted(names):
            done = subprocess.run(
                [pythons[kind], "-s", SCRIPTS / f"{name}.py", "--help"], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            assert "usage:" in done.stdout


@pytest.mark.slow
def test_the_whole_walk_runs_in_bare_environments(pythons: dict[str, Path], tmp_path: Path) -> None:
    checkout: Checkout = make_checkout(tmp_path / "darkroom")
    used = tmp_path / "used.txt"
    folder = wrapper(tmp_path / "bin", pythons, used)
    # After the workflow's own change of PATH, as conda's activation comes after it.
    (checkout.folder / "bare.smk").write_text(
        'include: "Snakefile"\nworkflow.default_target = "all"\n'
        f'os.environ["PATH"] = "{folder}{os.pathsep}" + os.environ["PATH"]\n'
    )
    few = checkout.folder / "few"
    few.mkdir()
    for path in sorted((checkout.folder / "resources" / "toybox" / "photos" / "garden").glob("IMG_04[12]*.jpg")):
        shutil.copyfile(path, few / path.name)
    # An embedding with a head of its own, so that the optional rules run, too.
    head = {"weight": np.zeros((1, 96), np.float32), "bias": np.zeros(1, np.float32)}
    save_file(head, checkout.folder / "head.safetensors")
    optional = ("duplicates={embedding: resources/pocket/clip}", "aesthetic={head: head.safetensors}")
    checkout.snakemake(
        *("--snakefile", "bare.smk", "--configfile", "config/mini.yaml", "--config", "photos=few", *optional)
    )
    assert (checkout.folder / "results/mini/pocket-mini/main/lora/mini.safetensors").exists()
    ran = {tuple(line.split()) for line in used.read_text().splitlines()}
    assert ran == {(kind, name) for kind, names in scripts_by_environment().items() for name in names}
