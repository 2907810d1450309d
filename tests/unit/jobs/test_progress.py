"""Progress in a log: what was done earlier counts as done, and not as fast."""

import pytest

from darkroom.jobs import progress as module
from darkroom.jobs.progress import progress


def test_what_was_done_earlier_counts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    assert list(progress(range(2), "train", "steps", note=lambda: "loss 1", before=8)) == [0, 1]
    assert capsys.readouterr().err.splitlines() == [
        "train: 9/10 steps, 0.1 steps/s, 10 s left, loss 1",
        "train: 10/10 steps, 0.1 steps/s, 0 s left, loss 1",
    ]


def test_an_unknown_number_of_items_is_no_trouble(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_SECONDS", 0.0)
    assert list(progress(iter("ab"), "read", "letters")) == ["a", "b"]
    assert capsys.readouterr().err.startswith("read: 1/? letters, ")
