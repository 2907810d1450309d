"""A mean with its standard error. By itself, so that what reads tables needs no torch."""

from collections.abc import Sequence
from statistics import fmean, stdev


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error, which is 0 for a single value."""
    return fmean(values), stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
