"""What imports cost: CPU seconds of libraries, of all that a stage's job imports, and of `--help`.

PYTHONPATH=scripts python benchmarks/imports.py [--runs 3]

A walk of the pocket models tells what each job imports (PYTHONPROFILEIMPORTTIME); fresh processes then import the same
as the job does. Beside it stand its own libraries as they load by themselves, and with bitsandbytes blocked. User and
system time of the best run, all kinds by turns. Exit code 1 where a stage takes more than GOAL times the latter.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pocket_project import ROOT, pocket_config, run_project, write_project

GOAL = 1.1
LIBRARIES = {
    "torch": "import torch",
    "accelerate": "import accelerate",
    "bitsandbytes": "import bitsandbytes",
    "Florence-2": "from transformers import Florence2ForConditionalGeneration, Florence2Processor",
    "open_clip": "import open_clip",
    "peft": "import peft",
    "UNet2DConditionModel": "from diffusers import UNet2DConditionModel",
}
# What a stage cannot do without, with the pocket models.
STAGES = {
    "caption_photos": LIBRARIES["Florence-2"],
    "encode_dataset": "from diffusers import AutoencoderKL; from transformers import CLIPTextModel, CLIPTokenizer",
    "render_prior": "from diffusers import StableDiffusionXLPipeline",
    "render_samples": "from diffusers import StableDiffusionXLPipeline",
    "score_checkpoints": "import open_clip, peft; from diffusers import DDPMScheduler, UNet2DConditionModel",
    "train_lora": "import accelerate, peft; from diffusers import DDPMScheduler, UNet2DConditionModel",
}
BLOCKED = "import sys; sys.modules['bitsandbytes'] = None; "
# The names of a log in its order; what only another order finds, or a library makes itself, is left out.
AS_THE_JOB = """
import importlib, sys
from darkroom.jobs.imports import spare_imports

spare_imports()
for name in open(sys.argv[1]).read().split():
    try:
        importlib.import_module(name)
    except Exception:
        pass
"""


def cpu_seconds(*arguments: str) -> float:
    """User and system time of a Python process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def best(commands: Mapping[str, tuple[str, ...]], runs: int) -> dict[str, float]:
    """The CPU seconds of the best of some runs of each command, all of them by turns."""
    seconds = [{name: cpu_seconds(*command) for name, command in commands.items()} for _ in range(runs)]
    return {name: min(run[name] for run in seconds) for name in commands}


def imports_of_jobs(folder: Path) -> dict[str, Path]:
    """A file with the names of all modules that the job of each stage imports, in an own folder, by stage."""
    # Snakemake itself would say at length what it imports, too.
    os.environ["PYTHONPROFILEIMPORTTIME"] = "1"
    photos = ROOT / "resources" / "toybox" / "photos" / "garden"
    write_project(folder, pocket_config("photos", str(photos), "pocket-mini", 1))
    run_project(folder)
    del os.environ["PYTHONPROFILEIMPORTTIME"]
    files = {}
    for stage in STAGES:
        logs = sorted((folder / "logs" / "photos" / stage).rglob("*.log"))
        text = logs[0].read_text(encoding="utf-8")
        files[stage] = folder / f"{stage}.txt"
        files[stage].write_text("\n".join(re.findall(r"^import time: .*\| +(\S+)$", text, flags=re.MULTILINE)))
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="processes per figure, of which the best counts")
    arguments = parser.parse_args()
    scripts = sorted((ROOT / "scripts").glob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        imported = imports_of_jobs(Path(folder))
        commands: dict[str, tuple[str, ...]] = {
            f"{name} plain": ("-c", code) for name, code in (LIBRARIES | STAGES).items()
        }
        commands |= {f"{name} blocked": ("-c", BLOCKED + code) for name, code in (LIBRARIES | STAGES).items()}
        del commands["bitsandbytes blocked"]
        commands |= {f"{stage} job": ("-c", AS_THE_JOB, str(file)) for stage, file in imported.items()}
        commands |= {f"{script.stem} help": (str(script), "--help") for script in scripts}
        seconds = best(commands, arguments.runs)

    print("| CPU seconds of imports | plain | without bitsandbytes | the job's | ratio |")
    print("|---|---|---|---|---|")
    missed = []
    for name in LIBRARIES:
        blocked = seconds.get(f"{name} blocked")
        print(f"| {name} | {seconds[f'{name} plain']:.2f} | {'' if blocked is None else f'{blocked:.2f}'} | | |")
    for stage in STAGES:
        plain, blocked, job = (seconds[f"{stage} {kind}"] for kind in ("plain", "blocked", "job"))
        print(f"| `{stage}` | {plain:.2f} | {blocked:.2f} | {job:.2f} | {job / blocked:.2f} |")
        missed += [stage] if job > GOAL * blocked else []
    print("\n| script | CPU seconds of `--help` |\n|---|---|")
    for script in scripts:
        print(f"| `{script.stem}` | {seconds[f'{script.stem} help']:.2f} |")
    if missed:
        print(f"more than {GOAL} times what its own libraries take: {', '.join(missed)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
