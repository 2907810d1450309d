"""The steps at which a run leaves checkpoints."""


def checkpoint_steps(steps: int, every: int) -> list[int]:
    """Every multiple of `every` up to `steps`, and `steps` itself: 250 by 100 gives 100, 200, 250."""
    return sorted({*range(every, steps + 1, every), steps})
