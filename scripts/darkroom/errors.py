"""The one exception for mistakes that a user can mend, and what they can do about the troubles of their machine."""

import errno
from pathlib import Path

KEPT = "finished work is kept, so then start again"
NO_ROOM = {
    errno.ENOSPC: "the disk is full; free some space on it",
    errno.EDQUOT: "your disk quota is used up; delete files of yours or ask for more",
    errno.EROFS: "this lies on a read-only file system; make it writable",
}
NO_PERMISSION = "you have no permission to use this; correct its permissions or its owner"
MEMORY = (
    "the memory did not suffice; end other programs, start with fewer --cores, or give the job more (mem_mb in your "
    f"profile); {KEPT}"
)
NO_MEMORY = ("allocate memory", "bad_alloc", "bad allocation", "insufficient memory", "out of memory")


class UserError(Exception):
    """A mistake a user can mend: one line that names the file or key, what is wrong and what to do."""


def one_line(error: object, most: int = 300) -> str:
    """What an error says, on one line of at most so many characters; the kind of error where it says nothing."""
    return " ".join(str(error).split())[:most] or type(error).__name__


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says, as Python, torch, OpenCV, ONNX Runtime and Pillow do, that memory did not suffice.

    That of the computer: what a GPU lacks is mended otherwise.
    """
    text = str(error).lower()
    return isinstance(error, MemoryError) or ("cuda" not in text and any(words in text for words in NO_MEMORY))


def _of_machine(error: BaseException | None) -> UserError | None:
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return UserError(f"{error.filename or Path.cwd()}: {NO_ROOM[error.errno]}; {KEPT}")
    if error is not None and lacks_memory(error):
        return UserError(MEMORY)
    return None


def user_error(error: BaseException) -> UserError | None:
    """An error in words where a user can mend it, None where it is a fault of the program."""
    if isinstance(error, UserError):
        # Without memory or disk a model does not load, and its loader calls it broken.
        return _of_machine(error.__context__) or error
    if isinstance(error, PermissionError):
        return UserError(f"{error.filename or Path.cwd()}: {NO_PERMISSION}; {KEPT}")
    return _of_machine(error)
