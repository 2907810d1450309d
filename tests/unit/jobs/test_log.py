"""What the library logs: plain lines on stderr in a script, warnings alone where nobody asks for more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
CODE = """
import logging
from darkroom.jobs.log import show_log
{shown}
logging.getLogger("darkroom.training").info("step %d", 3)
logging.getLogger("darkroom.jobs").warning("waiting")
logging.getLogger("another").info("not ours")
"""


@pytest.mark.parametrize(("shown", "said"), [("show_log(); show_log()", "step 3\nwaiting\n"), ("", "waiting\n")])
def test_lines_are_plain_and_once(shown: str, said: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    words = [sys.executable, "-c", CODE.format(shown=shown)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", said)
