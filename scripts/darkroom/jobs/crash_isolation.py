"""Work that may crash its process, done in a process of its own."""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Result = TypeVar("Result")
# A fork takes milliseconds, a fresh interpreter with all it imports a second.
CONTEXT = multiprocessing.get_context("fork")
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


class Crash(Exception):
    """The process of the work was ended by a fault of its own code; the text is the name of the signal."""


@contextlib.contextmanager
def in_own_process(work: Callable[..., Result]) -> Iterator[Callable[..., Result]]:
    """Yield a function that calls `work` in a child of this process; arguments and result must be picklable.

    The child starts with the first call, and anew after a crash. The function raises what `work` raises, Crash where
    it crashes, MemoryError where the system killed it.
    """
    child: tuple[Connection, BaseProcess] | None = None

    def call(*arguments: Any) -> Result:
        nonlocal child
        connection, process = child = child or _start(work)
        try:
            connection.send(arguments)
            result, error = connection.recv()
        except (EOFError, OSError):
            child = None
            process.join()
            raise _ending(process.exitcode or 0) from None
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    try:
        yield call
    finally:
        if child is not None:
            child[0].close()
            child[1].join()


def _start(work: Callable[..., Any]) -> tuple[Connection, BaseProcess]:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(theirs, ours, work), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(connection: Connection, others: Connection, work: Callable[..., Any]) -> None:
    """Answer calls until the other end is closed, be it because its process was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the parent ends and closes its end.
    others.close()
    with contextlib.suppress(EOFError, OSError):
        while True:
            arguments = connection.recv()
            try:
                answer: tuple[Any, Exception | None] = (work(*arguments), None)
            except Exception as error:
                answer = (None, error)
            connection.send(answer)


def _ending(code: int) -> Exception:
    if code == -signal.SIGKILL:
        return MemoryError()
    if -code in CRASHES:
        return Crash(signal.Signals(-code).name)
    return RuntimeError(f"a process of this job ended with {code}")
