"""Progress of long work: a bar on a terminal, a line every few seconds in a log."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
LOG_SECONDS = 5.0


def progress(items: Iterable[Item], what: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items and show how many are done, the rate and the time left."""
    count = total if total is not None else len(items) if isinstance(items, Sized) else None
    if sys.stderr.isatty():
        yield from tqdm(items, desc=what, unit=f" {unit}", total=count)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= LOG_SECONDS:
            rate = done / (now - start)
            left = f", {(count - done) / rate:.0f} s left" if count else ""
            print(f"{what}: {done}/{count or '?'} {unit}, {rate:.2g} {unit}/s{left}", file=sys.stderr, flush=True)
            last = now
