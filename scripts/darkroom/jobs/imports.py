"""What it costs a process to load libraries, kept down: an import of diffusers takes three times what torch's own does.

What remains is the least that they take: diffusers loads peft, peft transformers, and that accelerate, torchvision,
scipy and torch's compiler, whatever is asked of them, and none of them has a switch against it.
"""

import gc
import logging
import sys
from pathlib import Path

from darkroom.storage.files import read_json

BITSANDBYTES, CONFIG = "bitsandbytes", "config.json"
# Full collections of garbage wait for so many of the smaller ones (by default for 10). Loading diffusers makes half a
# million objects that all stay, and to go through them again and again is a tenth of its time.
SMALLER_COLLECTIONS = 100


def spare_imports() -> None:
    """Keep bitsandbytes from being loaded, and full collections of garbage rare while libraries load.

    diffusers and peft load it wherever it is installed, and have no switch against that. None in `sys.modules` is how
    Python itself is told that a module is not to be had (reference, 5.3.1), so that they find none.
    """
    sys.modules.setdefault(BITSANDBYTES, None)  # type: ignore[arg-type]
    gc.set_threshold(*gc.get_threshold()[:2], SMALLER_COLLECTIONS)


def allow_bitsandbytes() -> None:
    """Let bitsandbytes load from here on; libraries that looked for it before do without it.

    For weights in its formats it comes before the import of what loads them.
    """
    if BITSANDBYTES in sys.modules and sys.modules[BITSANDBYTES] is None:
        del sys.modules[BITSANDBYTES]
    # Warns in every log that a faster kernel for 4-bit weights on the CPU, which we do not use, is not installed.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)


def has_bitsandbytes_weights(folder: Path) -> bool:
    """Whether a config.json of a model or of a part of it says that its weights are in a format of bitsandbytes."""
    return any(_quantised_by(config) == BITSANDBYTES for config in (folder / CONFIG, *folder.glob(f"*/{CONFIG}")))


def _quantised_by(config: Path) -> str | None:
    try:
        return str(read_json(config)["quantization_config"]["quant_method"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
