"""Randomness by RNG key: every draw has its own generator, so a resumed run draws what it would have drawn."""

from typing import Any

import torch

from darkroom.storage.files import canonical_json, sha256_bytes


def generator_at(*key: Any) -> torch.Generator:
    """A CPU generator seeded by its key, such as (seed, step, sample, purpose). Drawn on the CPU, a number is the same
    on every device."""
    seed = int(sha256_bytes(canonical_json(key).encode())[:15], 16)
    return torch.Generator().manual_seed(seed)


def normal_at(shape: tuple[int, ...], *key: Any) -> torch.Tensor:
    """Standard normal noise of a shape, drawn under an RNG key."""
    return torch.randn(shape, generator=generator_at(*key))


def uniform_at(*key: Any) -> float:
    """A number in [0, 1), drawn under an RNG key."""
    return torch.rand(1, generator=generator_at(*key), dtype=torch.float64).item()
