"""What every script does around its work: one line for a user's mistake, no network, a guard while it is a job."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from darkroom.errors import user_error
from darkroom.jobs.imports import spare_imports
from darkroom.jobs.job_guard import guard_job
from darkroom.jobs.log import show_log
from darkroom.storage.process_identity import BY_SIGNAL


def run_command(main: Callable[[], None]) -> None:
    """Run the body of a script; what a user can mend becomes one line on stderr and exit code 1, without a traceback.

    Only `fetch_model` may use the network: every other script runs with the Hub switched off.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    spare_imports()
    show_log()
    try:
        guard_job()
        main()
    except KeyboardInterrupt:
        print("darkroom: interrupted; what is finished is kept, and the same command goes on", file=sys.stderr)
        sys.exit(BY_SIGNAL + signal.SIGINT)
    except Exception as error:
        stop(error)


def stop(error: Exception) -> NoReturn:
    """End with exit code 1 and one line, without a traceback, where a user can mend the error; else raise it."""
    known = user_error(error)
    if known is None:
        raise error
    # On a full disk the log may have no room for the line.
    with contextlib.suppress(OSError):
        print(f"darkroom: error: {known}", file=sys.stderr)
    sys.exit(1)


def stage_parser(doc: str | None) -> argparse.ArgumentParser:
    """An argument parser whose description is the first line of the script's docstring."""
    return argparse.ArgumentParser(description=(doc or "").strip().splitlines()[0])
