"""One job per GPU: a job takes free cards by kernel locks before CUDA starts, and sees no other card.

Snakemake counts GPUs and hands out no numbers, so that without this every job of a workstation would run on card 0.
Nothing is written down: the kernel frees the locks of a process that ends, however it ends.
"""

import errno
import fcntl
import logging
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from darkroom.errors import UserError

LOGGER = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
# Set once cards are taken: children see the cards of their parent and take none themselves.
TAKEN = "DARKROOM_GPUS"
# Not $TMPDIR, which differs from job to job: the locks must be the same for all processes of the machine.
LOCKS = Path("/tmp/darkroom-gpus")
MUTEX = "door"
RETRY_SECONDS = 1.0
REMIND_SECONDS = 300.0
HELD: list[int] = []


def take_gpus(count: int = 1) -> None:
    """Take `count` free GPUs and set CUDA_VISIBLE_DEVICES to their UUIDs; wait where too few are free.

    To be called before anything asks CUDA. The cards stay taken until this process ends. Does nothing where this
    process or a parent has taken cards already, and where nvidia-smi shows none. MIG instances count as cards.
    Raises UserError where fewer than `count` cards are visible.
    """
    if os.environ.get(TAKEN):
        return
    cards = visible_cards(_list_cards(), os.environ.get(VISIBLE))
    if not cards:
        return
    if count > len(cards):
        raise UserError(f"compute: {count} GPUs are asked for and {len(cards)} can be seen; ask for fewer")
    taken = ",".join(_wait_for(cards, count))
    os.environ.update({VISIBLE: taken, TAKEN: taken})
    LOGGER.info("gpu: running on %s", taken)


def _list_cards() -> str:
    """The list of nvidia-smi, empty where there is no driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    done = subprocess.run([program, "-L"], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def visible_cards(listing: str, visible: str | None) -> list[str]:
    """The UUIDs of the cards in the output of `nvidia-smi -L` that CUDA_VISIBLE_DEVICES (None: all) leaves.

    A card with MIG instances stands for them. Entries are indices of that list or UUIDs, which may be shortened; as
    for CUDA, the first unknown one ends the list. Indices are those of nvidia-smi, whatever CUDA_DEVICE_ORDER says.
    """
    cards: dict[str, tuple[str, list[str]]] = {}
    for number, uuid, instance in re.findall(r"^GPU (\d+):.*\(UUID: (.+)\)|^\s+MIG .*\(UUID: (.+)\)", listing, re.M):
        if instance:
            cards[list(cards)[-1]][1].append(instance)
        else:
            cards[number] = uuid, []
    if visible is None:
        return [device for uuid, instances in cards.values() for device in instances or [uuid]]
    found: list[str] = []
    for entry in (text.strip() for text in visible.split(",")):
        named = [
            instances or [uuid] for number, (uuid, instances) in cards.items() if entry == number or _means(entry, uuid)
        ]
        named += [[device] for _, devices in cards.values() for device in devices if _means(entry, device)]
        if len(named) != 1:
            break
        found += [device for device in named[0] if device not in found]
    return found


def _means(entry: str, uuid: str) -> bool:
    return entry.startswith(("GPU-", "MIG-")) and uuid.startswith(entry)


def _wait_for(cards: Sequence[str], count: int) -> list[str]:
    """Lock `count` of the cards and return them; says so where it has to wait."""
    folder = _lock_folder()
    said_at = -REMIND_SECONDS
    while True:
        taken = _try(cards, count, folder)
        if taken:
            HELD.extend([folder, *taken.values()])
            return list(taken)
        if time.monotonic() - said_at >= REMIND_SECONDS:
            said_at = time.monotonic()
            names = f"{count} of the {len(cards)} GPUs" if len(cards) > 1 else "the GPU"
            LOGGER.warning("gpu: other jobs run there, waiting for %s", names)
        time.sleep(RETRY_SECONDS)


def _try(cards: Sequence[str], count: int, folder: int) -> dict[str, int]:
    """Lock `count` cards or none: their open lock files by card.

    One process tries at a time, so that two that want two cards never hold one each.
    """
    taken: dict[str, int] = {}
    mutex = _open_lock(MUTEX, folder)
    try:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        for card in cards:
            handle = _lock_now(card, folder)
            if handle is not None:
                taken[card] = handle
            if len(taken) == count:
                return taken
        for handle in taken.values():
            os.close(handle)
        return {}
    finally:
        os.close(mutex)


def _lock_now(card: str, folder: int) -> int | None:
    """The open, locked file of a card, None where another process holds it."""
    handle = _open_lock(f"{re.sub(r'[^A-Za-z0-9-]', '_', card)}.lock", folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _lock_folder() -> int:
    """The folder of locks, open; every user of the machine may add files and remove none of others."""
    try:
        try:
            LOCKS.mkdir()
            LOCKS.chmod(0o1777)
        except FileExistsError:
            pass
        folder = os.open(LOCKS, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        # systemd-tmpfiles, which removes what lies in /tmp for long, leaves a locked folder alone.
        fcntl.flock(folder, fcntl.LOCK_SH)
        return folder
    except OSError as error:
        raise _unusable(error) from None


def _open_lock(name: str, folder: int) -> int:
    """A lock file, open for reading, which is all that a lock needs: it may belong to another user.

    Created apart from opening, because Linux refuses O_CREAT on files of others in a shared folder.
    """
    safely = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            handle = os.open(name, safely, dir_fd=folder)
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return handle
            os.close(handle)
            raise OSError(errno.EINVAL, f"{name} is no plain file")
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _unusable(error) from None
        try:
            handle = os.open(name, safely | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder)
            os.fchmod(handle, 0o644)
            os.close(handle)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unusable(error) from None


def _unusable(error: OSError) -> UserError:
    return UserError(
        f"{LOCKS}: the locks of the GPUs cannot be used ({error.strerror}); remove it or let all users write"
    )
