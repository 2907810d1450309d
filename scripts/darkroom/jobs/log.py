"""What the library says while it works: plain lines on stderr, which a job's log holds."""

import logging
import sys

LIBRARY = __name__.partition(".")[0]


class _Stderr(logging.Handler):
    """Lines on whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def show_log() -> None:
    """Let what the library logs be seen; without it only its warnings are. It may be called again."""
    logger = logging.getLogger(LIBRARY)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(_Stderr())
