"""Checkpoints by step and strength."""

from pathlib import Path

import pytest

from darkroom.contracts.checkpoint_files import variants
from darkroom.errors import UserError


def test_variants_are_every_checkpoint_at_every_strength(tmp_path: Path) -> None:
    for step in (200, 100):
        (tmp_path / f"step-{step:06d}.safetensors").write_bytes(b"")
    assert [(variant.step, variant.strength) for variant in variants(tmp_path, [1.0, 0.5])] == [
        (100, 0.5),
        (100, 1.0),
        (200, 0.5),
        (200, 1.0),
    ]
    with pytest.raises(UserError, match="no checkpoint"):
        variants(tmp_path / "empty", [1.0])
