"""Processes: which one this is, whether another one still lives, and the kernel's locks between them."""

import errno
import fcntl
import hashlib
import logging
import os
import socket
from functools import cache
from io import TextIOWrapper
from pathlib import Path

LOGGER = logging.getLogger(__name__)

# What lock calls answer on file systems that have no locks.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
# A shell adds this to the signal that ended a process, for an exit code.
BY_SIGNAL = 128


@cache
def _place() -> str:
    """Where process numbers count, as 8 hex digits: they differ between machines and between containers."""
    namespace = Path("/proc/self/ns/pid")
    inside = str(namespace.readlink()) if namespace.is_symlink() else ""
    return hashlib.sha256(f"{socket.gethostname()} {inside}".encode()).hexdigest()[:8]


def _began(number: int) -> str | None:
    """When a process began, in clock ticks since boot; None where it has ended, empty where the system does not say."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # Killed and not yet waited for by its parent, a process is a zombie: it has ended.
        return None if state in "ZX" else fields[18]
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


@cache
def this_process() -> str:
    """A name of this process that no other one ever has: place, number and beginning, joined by `-`."""
    return f"{_place()}-{os.getpid()}-{_began(os.getpid())}"


os.register_at_fork(after_in_child=this_process.cache_clear)


def is_alive(process: str) -> bool | None:
    """Whether the process of this name still runs; None where only another machine or container can tell."""
    place, number, began = process.split("-")
    return None if place != _place() else _began(int(number)) == began


def try_lock(handle: TextIOWrapper | int, kind: int) -> bool:
    """Take a lock without waiting: whether that went well. A file system without locks never refuses."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return True
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def wait_for_lock(handle: TextIOWrapper | int, holder: str) -> bool:
    """Take all of a lock, saying first whom it waits for where it must wait; whether it had to."""
    if try_lock(handle, fcntl.LOCK_EX):
        return False
    LOGGER.warning("darkroom: waiting for %s", holder)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return True
