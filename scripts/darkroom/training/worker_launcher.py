"""torch's elastic launcher, as a program, without its own account of failures: those that fail tell why themselves."""

import logging
import signal
import sys
from collections.abc import Sequence

from darkroom.storage.process_identity import BY_SIGNAL


def main(arguments: Sequence[str]) -> int:
    """Start processes as `torchrun` does with these arguments; the exit code."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    logging.disable(logging.ERROR)
    try:
        run(parse_args(list(arguments)))
    except ChildFailedError as error:
        return exit_code([failure.exitcode for failure in error.failures.values()])
    return 0


def exit_code(codes: Sequence[int]) -> int:
    """The one exit code, as a shell gives it, of processes that ended with these (below 0: by a signal).

    A signal comes first, because the others fail where one is gone. SIGTERM is how the launcher ends those left over.
    """
    signals = [-code for code in codes if code < 0 and -code != signal.SIGTERM]
    errors = [code for code in codes if code > 0]
    return next(iter([*(BY_SIGNAL + number for number in signals), *errors]), BY_SIGNAL + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
