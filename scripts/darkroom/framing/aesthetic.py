"""How much people like a photo, as a linear head on the vectors of an embedding says."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from darkroom.errors import UserError, one_line
from darkroom.framing.tables import AestheticRow

KEY = "aesthetic.head"


def read_head(path: Path) -> tuple[np.ndarray, float]:
    """The weights (dimensions,), float64, and the bias of a head: `weight` (1, dimensions) and `bias` (1,) in
    safetensors, as a torch.nn.Linear has them.

    Raises UserError where the file is none of that.
    """
    try:
        tensors = load_file(path)
        weight, bias = tensors["weight"].astype(np.float64), tensors["bias"].astype(np.float64)
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise UserError(f"{KEY}: {path} holds no `weight` and `bias` in safetensors ({one_line(error, 200)})") from None
    if weight.ndim != 2 or weight.shape[0] != 1 or bias.shape != (1,):
        raise UserError(
            f"{KEY}: {path} has a weight of shape {weight.shape}; one linear layer with one output is needed"
        )
    return weight[0], float(bias[0])


def aesthetic_scores(vectors: Mapping[str, np.ndarray], head: Path) -> list[AestheticRow]:
    """The rows of aesthetic.csv, in the units of the head, for unit vectors by photo.

    Raises UserError where the head is not for vectors of their length.
    """
    weight, bias = read_head(head)
    for vector in vectors.values():
        if len(vector) != len(weight):
            raise UserError(
                f"{KEY}: {head} is for vectors of {len(weight)} numbers, duplicates.embedding gives {len(vector)}; "
                "name the model that the head was trained on"
            )
    return [
        AestheticRow(photo, float((vector.astype(np.float64) * weight).sum()) + bias)
        for photo, vector in sorted(vectors.items())
    ]
