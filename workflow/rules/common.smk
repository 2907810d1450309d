# What all rooms share: the project, where things lie, which code a stage is made of, and the lock of a run.
import re
import sys
from pathlib import Path

FOLDER = Path(str(workflow.current_basedir)).parents[1]
if not (FOLDER / "scripts" / "darkroom").is_dir():
    print(
        f"darkroom: error: {FOLDER}: Darkroom's scripts are not there; clone the repository and name the clone's "
        "workflow/Snakefile",
        file=sys.stderr,
    )
    sys.exit(1)
sys.path.insert(0, str(FOLDER / "scripts"))

from darkroom.jobs.command import stop
from darkroom.jobs.log import show_log
from darkroom.runs.beginning import SHELL_PREFIX, begin_run, job_environment
from darkroom.runs.checkout import Checkout
from darkroom.runs.project import CACHE, STATES, load_project

CHECKOUT = Checkout(FOLDER)
script, code = CHECKOUT.script, CHECKOUT.code
LOCK_FILE = CHECKOUT.relative("requirements.lock")

show_log()
# Nothing has run yet: what a user can mend is one line.
try:
    PROJECT = load_project(config, FOLDER)
except Exception as error:
    stop(error)

CONFIG, TARGETS, RUNS, RESULTS = (
    PROJECT.config,
    PROJECT.targets,
    PROJECT.runs,
    PROJECT.results,
)
os.environ.update(job_environment(PROJECT.lock))
shell.prefix(SHELL_PREFIX)


def one_of(names):
    """A wildcard constraint: any of these names."""
    return "|".join(map(re.escape, names))


wildcard_constraints:
    shard=r"\d+",
    step=r"\d+",
    target=one_of(TARGETS),
    run=one_of(CONFIG.runs),


def lock_results(logs=()):
    """Keep other runs away from these results while this process lives, and clear away what killed ones left."""
    try:
        globals()["HELD_LOCK"] = begin_run(PROJECT, logs)
    except Exception as error:
        stop(error)
