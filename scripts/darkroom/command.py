"""What every script does around its work: one line for a user's mistake, no network, a known thread count."""

import argparse
import os
import sys
from collections.abc import Callable

from darkroom.errors import UserError


def run_command(main: Callable[[], None]) -> None:
    """Run the body of a script; a UserError becomes one line on stderr and exit code 1, without a traceback.

    Only `fetch_model` may use the network: every other script runs with the Hub switched off.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        main()
    except UserError as error:
        print(f"darkroom: error: {error}", file=sys.stderr)
        sys.exit(1)


def stage_parser(doc: str | None) -> argparse.ArgumentParser:
    """An argument parser whose description is the first line of the script's docstring."""
    return argparse.ArgumentParser(description=(doc or "").strip().splitlines()[0])
