"""First on the PYTHONPATH of jobs, it notes in a file of each process what was loaded when it ended."""

import atexit
import os
import sys
from pathlib import Path


@atexit.register
def note() -> None:
    loaded = sorted(name for name, module in sys.modules.items() if module is not None)
    path = Path(os.environ["NOTED_IMPORTS"], f"{Path(sys.argv[0]).stem}-{os.getpid()}")
    path.write_text("\n".join(loaded), encoding="utf-8")
