"""A tiny tagger as WD's are: a convolutional network in ONNX and the table of its tags, for tests.

The network is written as the protobuf that it is (onnx.proto3 of ONNX, whose field numbers these are).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

TAGS = (
    *(("general", 9), ("sensitive", 9), ("1girl", 0), ("long_hair", 0), ("^_^", 0), ("blue_sky", 0), ("red", 0)),
    *(("hatsune_miku", 4), ("reimu_(touhou)", 4), ("(o)_(o)", 0), ("looking_at_viewer", 0)),
)
SIDE = 16
FLOAT, INT, INTS = 1, 2, 7


def _number(value: int) -> bytes:
    """A varint."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(rest) if rest else bytes([low])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a message: a whole number, or a text, bytes or a message with its length."""
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    data = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(data)) + data


def node(kind: str, inputs: Sequence[str], output: str, **attributes: Sequence[int] | int) -> bytes:
    """A NodeProto in its field of the graph."""
    body = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            body += field(5, field(1, name) + field(3, value) + field(20, INT))
        else:
            body += field(5, field(1, name) + b"".join(field(8, each) for each in value) + field(20, INTS))
    return field(1, body)


def tensor(name: str, values: np.ndarray) -> bytes:
    """A TensorProto of float32 in its field of the graph."""
    dims = b"".join(field(1, size) for size in values.shape)
    return field(5, dims + field(2, FLOAT) + field(8, name) + field(9, values.astype("<f4").tobytes()))


def value(number: int, name: str, shape: Sequence[int | str]) -> bytes:
    """An input (11) or output (12) of the graph; a text is the name of a size that is not fixed."""
    dims = b"".join(field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in shape)
    return field(number, field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims))))


def network(weights: Mapping[str, np.ndarray], shape: Sequence[int | str], tags: int) -> bytes:
    """A ModelProto: picture to channels first, a convolution by patches, its mean, a linear layer, a sigmoid."""
    graph = b"".join(
        (
            node("Transpose", ["picture"], "channels", perm=[0, 3, 1, 2]),
            node("Conv", ["channels", "patches", "levels"], "seen", kernel_shape=[4, 4], strides=[4, 4]),
            node("Relu", ["seen"], "active"),
            node("GlobalAveragePool", ["active"], "pooled"),
            node("Flatten", ["pooled"], "features", axis=1),
            node("Gemm", ["features", "head", "offset"], "logits"),
            node("Sigmoid", ["logits"], "probabilities"),
            field(2, "tagger"),
            *(tensor(name, values) for name, values in weights.items()),
            value(11, "picture", shape),
            value(12, "probabilities", [shape[0], tags]),
        )
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


def save_tiny_tagger(folder: Path, shape: Sequence[int | str] = ("batch", SIDE, SIDE, 3)) -> Path:
    """Write model.onnx and selected_tags.csv to a folder, and return it. Pictures change what it says."""
    draw, features = np.random.default_rng(3), 8
    weights = {
        "patches": draw.normal(0, 0.005, (features, 3, 4, 4)),
        "levels": draw.normal(0, 0.2, features),
        "head": draw.normal(0, 0.7, (features, len(TAGS))),
        "offset": draw.normal(0, 0.5, len(TAGS)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(network(weights, shape, len(TAGS)))
    rows = [f"{number},{name},{category},1" for number, (name, category) in enumerate(TAGS)]
    (folder / "selected_tags.csv").write_text("\n".join(["tag_id,name,category,count", *rows, ""]))
    return folder
