"""Progress of long work: a bar on a terminal, a line every few seconds in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

LOGGER = logging.getLogger(__name__)

Item = TypeVar("Item")
LOG_SECONDS = 5.0


def progress(
    items: Iterable[Item],
    what: str,
    unit: str,
    total: int | None = None,
    note: Callable[[], str] = str,
    before: int = 0,
) -> Iterator[Item]:
    """Yield the items and show how many are done, `before` of them earlier, the rate, the time left and a note.

    The note is what `note` says then. `total` counts the items, where they do not tell how many they are.
    """
    here = total if total is not None else len(items) if isinstance(items, Sized) else None
    count = here and here + before
    if sys.stderr.isatty():
        with tqdm(items, desc=what, unit=f" {unit}", total=count, initial=before) as bar:
            for item in bar:
                yield item
                bar.set_postfix_str(note(), refresh=False)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, start=before + 1):
        yield item
        now = time.monotonic()
        if now - last >= LOG_SECONDS:
            rate = (done - before) / (now - start)
            left = f", {(count - done) / rate:.0f} s left" if count else ""
            words = f", {said}" if (said := note()) else ""
            LOGGER.info(f"{what}: {done}/{count or '?'} {unit}, {rate:.2g} {unit}/s{left}{words}")
            last = now
