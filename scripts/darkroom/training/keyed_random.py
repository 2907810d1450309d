"""Randomness with an address: every draw has its own generator, so a resumed run draws what it would have drawn."""

from typing import Any

import torch

from darkroom.storage.files import canonical_json, sha256_bytes


def generator_at(*address: Any) -> torch.Generator:
    """A CPU generator seeded by its address, such as (seed, step, sample, purpose). Drawn on the CPU, a number is the
    same on every device."""
    seed = int(sha256_bytes(canonical_json(address).encode())[:15], 16)
    return torch.Generator().manual_seed(seed)


def normal_at(shape: tuple[int, ...], *address: Any) -> torch.Tensor:
    """Standard normal noise of a shape, drawn at an address."""
    return torch.randn(shape, generator=generator_at(*address))


def uniform_at(*address: Any) -> float:
    """A number in [0, 1), drawn at an address."""
    return torch.rand(1, generator=generator_at(*address), dtype=torch.float64).item()
