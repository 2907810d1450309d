"""Places within groups."""

import numpy as np


def ranks(groups: np.ndarray) -> np.ndarray:
    """For each element of an array of numbers (n,), from 0 on, how many of the same number come before it, (n,)."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    found = np.empty(len(groups), int)
    found[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))
    return found
