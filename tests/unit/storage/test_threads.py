"""Work on threads: in order, a few items ahead, and errors reach the caller."""

import threading
from collections.abc import Iterator

import pytest

from darkroom.storage.threads import AHEAD, on_threads


def test_results_come_in_order_whoever_is_first() -> None:
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first_may_end.wait(10)
        else:
            first_may_end.set()
        return number * number

    assert list(on_threads(work, range(50), 2)) == [number * number for number in range(50)]
    assert list(on_threads(work, [], 2)) == []


def test_only_a_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = on_threads(lambda number: number, items(), 2)
    assert next(results) == 0
    assert len(taken) <= AHEAD * 2


def test_an_error_reaches_who_asks() -> None:
    with pytest.raises(ValueError, match="zero"):
        list(on_threads(_refuse_zero, [2, 1, 0], 2))


def _refuse_zero(number: int) -> int:
    if number == 0:
        raise ValueError("zero")
    return number
