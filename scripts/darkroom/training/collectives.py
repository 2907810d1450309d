"""What processes that train together tell each other: items divided, lists joined, gradients summed."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(accelerator: Any, items: Sequence[Item], compute: Callable[[Item], Result]) -> list[Result]:
    """`compute` of every item, the items divided among the processes; each process gets all results, in their order."""
    from accelerate.utils import gather_object

    count = accelerator.num_processes
    own = [compute(item) for item in items[accelerator.process_index :: count]]
    parts = gather_object([own]) if count > 1 else [own]
    return [parts[index % count][index // count] for index in range(len(items))]


def all_of(accelerator: Any, own: list[Item]) -> list[Item]:
    """The lists of all processes, joined in their order."""
    from accelerate.utils import gather_object

    return gather_object(own) if accelerator.num_processes > 1 else own


def sum_gradients(accelerator: Any, weights: Sequence[Any]) -> None:
    """Put the sum over all processes into the gradient of every weight; a process without samples adds nothing."""
    import torch

    if accelerator.num_processes == 1:
        return
    for weight in weights:
        own = torch.zeros_like(weight) if weight.grad is None else weight.grad
        weight.grad = accelerator.reduce(own, "sum")
